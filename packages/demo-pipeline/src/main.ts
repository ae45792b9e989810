/**
 * `npm run demo`: runs the demo without a server (embedded.ts), or on the real programs (real.ts).
 */
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { demo, JUNE } from "./embedded.ts";

const HELP = `Usage: npm run demo -- [--real [--against compose]]

A bank's change log into an online store and a history, and the same features asked of both.

  (nothing)          a month of 500 users from a recorded log, into SQLite and a local
                     directory; needs nothing but npm
  --real             PostgreSQL, Debezium, Kafka, MinIO and Trino themselves: as containers
                     if a Docker engine answers, else as processes of this machine. They are
                     started here and stopped at the end.
                     TIDEMARK_SERVICES=docker or processes chooses.
  --against compose  --real on the running services of docker/compose.yaml.
                     TIDEMARK_PIPELINE=compose has the same effect on --real.
                     The demo uses a database, a bucket and topics of its own, all called
                     tidemark-demo. It clears those of the demo before and leaves its own to
                     be looked at; only its connector and its replication slot are removed.
  --help             this

Exits with 0 if nothing differs, 1 if a value differs, 2 if the services cannot be had or the
command is not understood.`;

interface Command {
  readonly real: boolean;
  readonly against: "compose" | undefined;
}

/** Parses the command line. A text is an error message; null asks for help. */
function commandOf(args: readonly string[]): Command | string | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        real: { type: "boolean" },
        against: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) return null;
    const real = values.real === true || values.against !== undefined;
    const against =
      values.against ?? (real ? process.env["TIDEMARK_PIPELINE"] || undefined : undefined);
    if (against !== undefined && against !== "compose")
      return `demo: it can run against compose, not ${JSON.stringify(against)}`;
    return { real, against };
  } catch (error) {
    return `demo: ${(error as Error).message}`;
  }
}

async function main(): Promise<number> {
  const command = commandOf(process.argv.slice(2));
  if (command === null) return say(HELP, 0);
  if (typeof command === "string") return say(`${command}\n\n${HELP}`, 2);
  const abort = new AbortController();
  // A second Ctrl-C ends this process and its services. The listener stays, because libraries end
  // the process if they are the only listener.
  const stop = (): void => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const started = performance.now();
  try {
    const code = command.real
      ? await real(command.against, abort.signal)
      : await embedded(abort.signal);
    if (code !== 2)
      console.log(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
    if (code === 0)
      console.log(
        "Next: README.md tells how to do this with your own tables; " +
          "packages/demo-pipeline/src/features.ts is what you would write; " +
          "docs/ says why it can be trusted.",
      );
    return code;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    return say("\nStopped; the next run begins anew.", 130);
  }
}

async function embedded(signal: AbortSignal): Promise<number> {
  const directory = resolve(".tidemark", "demo");
  const { differing } = await demo({
    bank: JUNE,
    directory,
    labels: 10_000,
    output: process.stdout,
    signal,
  });
  console.log(`\nThe files lie in ${relative(".", directory)}.`);
  return differing === 0 ? 0 : 1;
}

/** Runs the demo on the real programs. Its modules are loaded only here. */
async function real(against: Command["against"], signal: AbortSignal): Promise<number> {
  const { FORTNIGHT, realDemo, ServicesMissing } = await import("./real.ts");
  // kafkajs sets timers for past times, and newer versions of Node warn of them
  process.removeAllListeners("warning").on("warning", (warning) => {
    if (warning.name !== "TimeoutNegativeWarning")
      console.error(`${warning.name}: ${warning.message}`);
  });
  try {
    const { differing } = await realDemo({
      bank: FORTNIGHT,
      against,
      directory: resolve(".tidemark", "demo-real"),
      output: process.stdout,
      signal,
    });
    return differing === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof ServicesMissing) return say(error.message, 2);
    throw error;
  }
}

function say(text: string, code: number): number {
  (code === 2 ? process.stderr : process.stdout).write(`${text}\n`);
  return code;
}

if (import.meta.main) process.exitCode = await main();
