/** `tidemark resnapshot`: a source in a new snapshot generation, after its log lost changes. */
import { changeSourceName, checkSourceName, reportRun } from "./change-source.ts";
import { hasUndecodable, notTakenLines } from "../output/not-taken.ts";
import { configCommand } from "./config-command.ts";
import { choiceOf, mismatchOf } from "../terminal/options.ts";

const help = `Usage: tidemark resnapshot SOURCE [--changes NAME] [--ending source] [options]

Begins a source anew from a new snapshot of its table. A source needs this after
LOG_LOST, TOPIC_RECREATED or SOURCE_LSN_WENT_BACK. Take the snapshot first: a new
connector with its own topics begins with one (tidemark connector apply).

Until the snapshot is complete, each earlier row is served until the snapshot brings it
again. Then the rows that did not come are deleted. Training sets as known before the
snapshot stay the same. After an interruption, run the command again: it goes on.

  SOURCE                the source, as the definitions name it
  --changes NAME        the change source of the configuration that has the snapshot;
                        may be left out if there is only one
  --ending WHERE        where the snapshot ends
                        marked (default): at the row that Debezium marked as the last
                        source: where the change source ends; for an empty table, an
                        incremental snapshot, or messages without the mark
  --mismatch SHARE      stop if more than this share of the first thousand
                        rows cannot be used; default: 0.5, or run.mismatch of the
                        configuration; "ignore" takes them all
`;

export const resnapshotCommand: ReturnType<typeof configCommand> = configCommand({
  name: "resnapshot",
  help,
  exitCodes: {
    0: "the snapshot is complete",
    1: "failed, or the snapshot is not complete yet",
    3: "the snapshot is complete, and some messages cannot be read",
    130: "interrupted; run it again to go on",
  },
  argument: "source",
  options: { changes: "text", ending: "text", mismatch: "text" },
  audited: true,
  interrupted:
    "the snapshot is not complete, and the earlier rows stay until it is; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, audit, seconds }) {
    const source = given.text("source")!;
    audit({ source });
    const ending = choiceOf(given, "ending", ["marked", "source"]);
    const mismatch = mismatchOf(given, config.run?.mismatch);
    const name = changeSourceName(given, config);
    const { store, definitions, changes } = await open();
    checkSourceName(source, [...definitions.sources.keys()], config.file);
    const result = await store.resnapshot(
      source,
      await changes(name, { until: "caught-up", signal }),
      { ...reportRun(name, progress, seconds), ending, mismatch, signal },
    );
    audit({ generation: result.generation });
    printResult({ source, ...result }, [
      `${source}: the snapshot is complete, ${result.changes} changes of ${name} in ` +
        `${seconds()}; snapshot generation ${result.generation}`,
      ...notTakenLines(result.notTaken),
    ]);
    return hasUndecodable(result.notTaken) ? 3 : 0;
  },
});
