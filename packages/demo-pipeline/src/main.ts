/**
 * `npm run demo`: the banking flow, without a server (embedded.ts), or on the real programs
 * (real.ts).
 */
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { demo, JUNE } from "./embedded.ts";

const HELP = `Usage: npm run demo -- [--real [--against compose]]

A bank's change log into an online store and a history, and the same features asked of both.

  (nothing)          a month of 500 users from a recorded log, into SQLite and a local directory; needs nothing but npm
  --real             PostgreSQL, Debezium, Kafka, MinIO and Trino themselves: as containers where a Docker engine answers, else as
                     processes of this machine; started here, and gone at the end. TIDEMARK_SERVICES=docker or processes chooses
  --against compose  --real on the services of docker/compose.yaml, which run already; TIDEMARK_PIPELINE=compose says the same of --real.
                     It works in a database, a bucket and topics of its own, all called tidemark-demo, clears those of the demo before,
                     and leaves what it made to be looked at; only its connector and its replication slot go
  --help             this

Exits with 0 where nothing differs, 1 where something does, 2 where the services cannot be had or the command is not understood.`;

interface Command {
  readonly real: boolean;
  readonly against: "compose" | undefined;
}

/** A sentence where the command is not understood, null where help is asked for. */
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
  // A second Ctrl-C ends this process; its services go with it. The listener stays: libraries that
  // find themselves alone with a signal end the process.
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
          "packages/demo-pipeline/src/features.ts is what you would write; docs/ says why it " +
          "can be trusted.",
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

/** What it needs is loaded only when it is asked for. */
async function real(against: Command["against"], signal: AbortSignal): Promise<number> {
  const { FORTNIGHT, realDemo, ServicesMissing } = await import("./real.ts");
  // kafkajs sets timers for times that are over, of which newer versions of Node warn
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
