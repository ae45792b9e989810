/** The `tidemark` command: finds the subcommand, and reports its errors. */
import { isTidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { redact } from "../config/secret.ts";
import { readOptions, usage } from "../terminal/options.ts";
import type { CommandContext, Terminal } from "../terminal/progress.ts";
import { packageVersion } from "../version.ts";

type Command = (args: readonly string[], surroundings: CommandContext) => Promise<number>;

/** Loads each command when it is called, because commands need different packages. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  apply: async () => (await import("./apply-command.ts")).applyCommand,
  audit: async () => (await import("./audit-command.ts")).auditCommand,
  backfill: async () => (await import("./backfill-command.ts")).backfillCommand,
  backup: async () => (await import("./backup-command.ts")).backupCommand,
  catalog: async () => (await import("./catalog-command.ts")).catalogCommand,
  check: async () => (await import("./check-command.ts")).checkCommand,
  connector: async () => (await import("./connector-command.ts")).connectorCommand,
  console: async () => (await import("./console-command.ts")).consoleCommand,
  drift: async () => (await import("./drift-command.ts")).driftCommand,
  engine: async () => (await import("./engine-command.ts")).engineCommand,
  erase: async () => (await import("./erase-command.ts")).eraseCommand,
  explain: async () => (await import("./explain-command.ts")).explainCommand,
  finish: async () => (await import("./finish-command.ts")).finishCommand,
  history: async () => (await import("./history-command.ts")).historyCommand,
  kernel: async () => (await import("./kernel-command.ts")).kernelCommand,
  load: async () => (await import("./load-command.ts")).loadCommand,
  materialize: async () => (await import("./materialize-command.ts")).materializeCommand,
  mcp: async () => (await import("./mcp-command.ts")).mcpCommand,
  optimize: async () => (await import("./optimize-command.ts")).optimizeCommand,
  plan: async () => (await import("./plan-command.ts")).planCommand,
  profile: async () => (await import("./profile-command.ts")).profileCommand,
  quality: async () => (await import("./quality-command.ts")).qualityCommand,
  quarantine: async () => (await import("./quarantine-command.ts")).quarantineCommand,
  record: async () => (await import("./record-command.ts")).recordCommand,
  replay: async () => (await import("./replay-command.ts")).replayCommand,
  restore: async () => (await import("./restore-command.ts")).restoreCommand,
  resnapshot: async () => (await import("./resnapshot-command.ts")).resnapshotCommand,
  retry: async () => (await import("./retry-command.ts")).retryCommand,
  run: async () => (await import("./run-command.ts")).runCommand,
  serve: async () => (await import("./serve-command.ts")).serveCommand,
  shard: async () => (await import("./shard-command.ts")).shardCommand,
  skew: async () => (await import("./skew-command.ts")).skewCommand,
  stats: async () => (await import("./stats-command.ts")).statsCommand,
  status: async () => (await import("./status-command.ts")).statusCommand,
  "training-set": async () => (await import("./training-set-command.ts")).trainingSetCommand,
  vacuum: async () => (await import("./vacuum-command.ts")).vacuumCommand,
};

const help = `Usage: tidemark COMMAND [options]

  apply         apply the definitions to the registry
  audit         show who applied, pushed, erased and backfilled, and when
  backfill      fill the online store from the history
  backup        back up the stores while they are written
  catalog       register the tables of the history in Trino
  check         compare a sample of a training set with SQL in Trino
  connector     manage a Debezium connector in Kafka Connect
  console       show the store in a browser
  drift         compare a source, a view or a file with a reference
  engine        make the archive that an engine needs on other machines
  erase         erase one entity from the stores
  explain       say why an answer is what it is, or what a request computes
  finish        join the shards of a training set into one file
  history       show who applied which definitions, and when
  kernel        answer one job of another process, on its input and output
  load          load the rows of a day into the tables of the database
  materialize   compute the rows of views as of the end of a day
  mcp           serve the feature store to programs and agents over MCP
  optimize      join the small files of the history
  plan          show what an apply would change, and what the change costs
  profile       show statistics of the columns of a source, a view or a file
  quality       check the expectations of the definitions over the history
  quarantine    list the rows of a source that are in no window, and why
  record        make a recording of Kafka topics
  replay        answer requests from recorded topics
  resnapshot    begin a source anew from a new snapshot, after lost changes
  restore       check a backup, and put it back
  retry         take messages that could not be read before
  run           bring changes into the stores
  serve         answer requests for features over HTTP
  shard         compute one shard of a training set
  skew          compute logged answers again, and count the bits that differ
  stats         show the size of the stores
  status        show what each source has taken, and its errors
  training-set  add features to the rows of a file
  vacuum        remove the files of the history that no reader needs any more

  --help        print this text; tidemark COMMAND --help describes the command
  --version     print the version
`;

/**
 * Runs the command and returns its exit code: 0 done, 1 failed or paths differ, 2 wrong command
 * line, 3 a plan has changes, 130 interrupted.
 */
export async function tidemark(args: readonly string[], given: CommandContext): Promise<number> {
  const { signal } = given;
  const stderr: Terminal = {
    isTTY: given.stderr.isTTY,
    write: (text) => given.stderr.write(redact(text)),
  };
  const surroundings = { ...given, stderr };
  const name = args[0] !== undefined && Object.hasOwn(COMMANDS, args[0]) ? args[0] : null;
  const who = name === null ? "tidemark" : `tidemark ${name}`;
  try {
    if (name === null) return general(args, surroundings);
    const command = await COMMANDS[name]!();
    return await command(args.slice(1), surroundings);
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
        ? `${who}: ${error.code}: ${error.message}\nSee: ${error.docs}\n`
        : `${who}: unexpected error, please report it: ` +
            `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

function general(args: readonly string[], { stdout }: CommandContext): number {
  const [first] = args;
  if (first !== undefined && !first.startsWith("-"))
    throw usage(`there is no command "${first}"${didYouMean(first, Object.keys(COMMANDS))}`);
  const given = readOptions(args, { help: "flag", version: "flag" });
  if (given.has("version")) stdout.write(`${packageVersion()}\n`);
  else if (given.has("help")) stdout.write(help);
  else throw usage(`say which command: ${Object.keys(COMMANDS).join(", ")}`);
  return 0;
}
