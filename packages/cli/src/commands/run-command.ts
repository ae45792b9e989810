/** `tidemark run`: reads a change source into the stores until a signal stops it. */
import { didYouMean } from "@tidemark/core/internal";
import { changeSourceName, reportRun } from "./change-source.ts";
import { configCommand } from "./config-command.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark run [--changes NAME] [--until caught-up] [options]

Reads a change source into the online store and the history. Each store goes on from its
own position, so the command may be stopped, killed and run again. No change is lost,
and none counts twice. SIGTERM and SIGINT stop the command.

  --changes NAME        a change source of the configuration; may be left out if there
                        is only one
  --until caught-up     end where the log ends now
`;

export const runCommand: ReturnType<typeof configCommand> = configCommand({
  name: "run",
  help,
  exitCodes: {
    0: "the change source ended, or a signal stopped the command",
    1: "failed",
    130: "interrupted before it had caught up, with --until caught-up",
  },
  options: { changes: "text", until: "text" },
  interrupted: "what was read stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const until = given.text("until") ?? "signal";
    if (until !== "signal" && until !== "caught-up")
      throw usage(`--until ${until} is not caught-up${didYouMean(until, ["caught-up"])}`);
    const name = changeSourceName(given, config);
    const { store, changes } = await open();
    const source = await changes(name, { until, signal });
    const report = reportRun(name, progress, seconds);
    let stopped = false;
    try {
      await store.run(source, { ...report, signal });
    } catch (error) {
      if (!signal.aborted || until === "caught-up") throw error;
      stopped = true;
    }
    const taken = report.changes();
    printResult({ changes: taken, stopped }, [
      `${taken} changes of ${name} in ${seconds()}${stopped ? "; stopped" : ""}`,
    ]);
    return 0;
  },
});
