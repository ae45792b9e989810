/** The `tidemark` command: which subcommand is meant, and how errors leave it. */
import { readFileSync } from "node:fs";
import { didYouMean, isTidemarkError } from "@tidemark/core";
import { applyCommand } from "./apply-command.ts";
import { backfillCommand } from "./backfill-command.ts";
import { catalogCommand } from "./catalog-command.ts";
import { redact } from "./config/secret.ts";
import { connectorCommand } from "./connector-command.ts";
import { ingestCommand } from "./ingest-command.ts";
import { materializeCommand } from "./materialize-command.ts";
import { readOptions, usage } from "./options.ts";
import { optimizeCommand } from "./optimize-command.ts";
import { planCommand } from "./plan-command.ts";
import type { Surroundings, Terminal } from "./progress.ts";
import { replayCommand } from "./replay-command.ts";
import { runCommand } from "./run-command.ts";
import { serveCommand } from "./serve-command.ts";
import { statsCommand } from "./stats-command.ts";
import { statusCommand } from "./status-command.ts";
import { trainingSetCommand } from "./training-set-command.ts";
import { vacuumCommand } from "./vacuum-command.ts";

type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  apply: applyCommand,
  backfill: backfillCommand,
  catalog: catalogCommand,
  connector: connectorCommand,
  ingest: ingestCommand,
  materialize: materializeCommand,
  optimize: optimizeCommand,
  plan: planCommand,
  replay: replayCommand,
  run: runCommand,
  serve: serveCommand,
  stats: statsCommand,
  status: statusCommand,
  "training-set": trainingSetCommand,
  vacuum: vacuumCommand,
};

const help = `Usage: tidemark COMMAND [options]

  apply      make the definitions those that are applied
  backfill   fill the online store from the history
  catalog    make the history's tables known to Trino
  connector  register a Debezium connector with Kafka Connect, and look after it
  ingest     bring the rows of a day into the tables of the sources
  materialize
             the rows of views at the end of days, into tables and the online store
  optimize   join the small files of the history
  plan       what the definitions change, and what it costs
  replay     feed recorded Debezium topics to new stores and answer requests from them
  run        take changes into the stores
  serve      answer requests for features over HTTP
  stats      how much there is in the stores
  status     what each source has taken, and what went wrong in it
  training-set
             the rows of a file with their features beside them
  vacuum     remove the files of the history that nobody needs any more

  --help     this text; tidemark COMMAND --help says more
  --version  the version
`;

/**
 * Runs the command; the exit code: 0 done · 1 failed, or a difference found · 2 the command line is
 * wrong · 130 interrupted.
 */
export async function tidemark(args: readonly string[], given: Surroundings): Promise<number> {
  const { signal } = given;
  const stderr: Terminal = {
    isTTY: given.stderr.isTTY,
    write: (text) => given.stderr.write(redact(text)),
  };
  const surroundings = { ...given, stderr };
  const name = args[0] !== undefined && Object.hasOwn(COMMANDS, args[0]) ? args[0] : null;
  const who = name === null ? "tidemark" : `tidemark ${name}`;
  try {
    return await (name === null
      ? general(args, surroundings)
      : COMMANDS[name]!(args.slice(1), surroundings));
  } catch (error) {
    if (signal.aborted) {
      stderr.write(`${who}: interrupted; nothing was written\n`);
      return 130;
    }
    if (isTidemarkError(error, "USAGE")) {
      stderr.write(`${who}: ${error.message}\nSee: ${who} --help\n`);
      return 2;
    }
    stderr.write(
      isTidemarkError(error)
        ? `${who}: ${error.code}: ${error.message}\n`
        : `${who}: unexpected error, please report it: ` +
            `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

async function general(args: readonly string[], { stdout }: Surroundings): Promise<number> {
  const [first] = args;
  if (first !== undefined && !first.startsWith("-"))
    throw usage(`there is no command "${first}"${didYouMean(first, Object.keys(COMMANDS))}`);
  const given = readOptions(args, { help: "flag", version: "flag" });
  if (given.has("version")) stdout.write(`${version()}\n`);
  else if (given.has("help")) stdout.write(help);
  else throw usage(`say which command: ${Object.keys(COMMANDS).join(", ")}`);
  return 0;
}

function version(): string {
  return (
    JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    }
  ).version;
}
