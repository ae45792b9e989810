/** `tidemark run`: reads a change source into the stores until a signal stops it. */
import { didYouMean } from "@tidemark/core/internal";
import { changeSourceName, reportRun } from "./change-source.ts";
import { hasUndecodable, notTakenLines } from "../output/not-taken.ts";
import { configCommand } from "./config-command.ts";
import { mismatchOf, usage } from "../terminal/options.ts";

const help = `Usage: tidemark run [--changes NAME] [--until caught-up] [options]

Reads a change source into the online store and the history. Each store goes on from its
own position, so the command may be stopped, killed and run again. No change is lost,
and none counts twice. SIGTERM and SIGINT stop the command.

  --changes NAME        a change source of the configuration; may be left out if there
                        is only one
  --until caught-up     end where the log ends now
  --new-history         begin a new history where the old one is gone for good; the log
                        must still hold everything, otherwise use tidemark resnapshot
  --mismatch SHARE      stop if more than this share of a new source's first thousand
                        rows cannot be used; default: 0.5, or run.mismatch of the
                        configuration; "ignore" takes them all
`;

export const runCommand: ReturnType<typeof configCommand> = configCommand({
  name: "run",
  help,
  exitCodes: {
    0: "the change source ended, or a signal stopped the command",
    3: "the change source ended, and some messages cannot be read",
    1: "failed",
    130: "interrupted before it had caught up, with --until caught-up",
  },
  options: { changes: "text", until: "text", "new-history": "flag", mismatch: "text" },
  interrupted: "what was read stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const until = given.text("until") ?? "signal";
    if (until !== "signal" && until !== "caught-up")
      throw usage(`--until ${until} is not caught-up${didYouMean(until, ["caught-up"])}`);
    const mismatch = mismatchOf(given, config.run?.mismatch);
    const name = changeSourceName(given, config);
    const { store, changes } = await open();
    const source = await changes(name, { until, signal });
    const report = reportRun(name, progress, seconds);
    let stopped = false;
    try {
      const newHistory = given.has("new-history");
      await store.run(source, { ...report, mismatch, newHistory, signal });
    } catch (error) {
      if (!signal.aborted || until === "caught-up") throw error;
      stopped = true;
    }
    const taken = report.changes();
    const notTaken = report.notTaken();
    printResult({ changes: taken, stopped, notTaken }, [
      `${taken} changes of ${name} in ${seconds()}${stopped ? "; stopped" : ""}`,
      ...notTakenLines(notTaken),
    ]);
    return stopped || !hasUndecodable(notTaken) ? 0 : 3;
  },
});
