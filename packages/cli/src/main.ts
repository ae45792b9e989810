/** The process of the `tidemark` command: signals, warnings, errors that nobody expected. */
import { tidemark } from "./commands/command-line.ts";
import { redact } from "./config/secret.ts";

const interruption = new AbortController();
// The first signal lets the command take its files away; the second ends it as Node does.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    interruption.abort();
  });
// What Node prints by itself may repeat what a driver was given.
process.removeAllListeners("warning").on("warning", ({ name, message }) => {
  // kafkajs sets such timers while it has nothing to do. Node takes them for 1 ms.
  if (name === "TimeoutNegativeWarning") return;
  process.stderr.write(redact(`${name}: ${message}\n`));
});
process.on("uncaughtException", (error: unknown) => {
  process.stderr.write(
    redact(
      "tidemark: unexpected error, please report it: " +
        `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    ),
  );
  process.exit(1);
});
// Node's own code for a program that ends before it is done: kept where that happens.
process.exitCode = 13;
process.exitCode = await tidemark(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interruption.signal,
});
