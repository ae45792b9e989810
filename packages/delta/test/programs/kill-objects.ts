/** Kills the process after a temporary file was written and before it got its name. */
import { localObjects } from "@tidemark/delta";

const objects = localObjects(process.argv[2]!, {
  failpoint: () => {
    process.kill(process.pid, "SIGKILL");
  },
});
await objects.createIfAbsent("log/0.json", new TextEncoder().encode("{}"));
