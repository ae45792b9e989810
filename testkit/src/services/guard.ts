/** Removes the containers of a process that died before it removed them. */
import { spawn } from "node:child_process";

/**
 * Waits for the end of its input, which ends with our process. The removal is repeated, because the
 * engine may still have been making a container.
 */
const CLEANUP_SCRIPT = `
cat >/dev/null
for round in 1 2 3 4 5; do
  found=$(docker ps --all --quiet --filter "label=$1")
  [ -z "$found" ] || docker rm --force --volumes $found
  found=$(docker network ls --quiet --filter "label=$1")
  [ -z "$found" ] || docker network rm $found
  found=$(docker volume ls --quiet --filter "label=$1")
  [ -z "$found" ] || docker volume rm --force $found
  sleep 1
done
`;

/**
 * Removes every container, network and volume with this label when this process is gone, unless it
 * was released before.
 */
export function removeAtExit(label: string): { release(): void } {
  // A session of its own, because Ctrl-C goes to every process of the terminal's session.
  const guard = spawn("sh", ["-c", CLEANUP_SCRIPT, "guard", label], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return {
    release: () => {
      guard.kill("SIGKILL");
    },
  };
}
