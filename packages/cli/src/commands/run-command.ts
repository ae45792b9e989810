/** `tidemark run`: changes into the stores, until somebody says stop. */
import { didYouMean } from "@tidemark/core/internal";
import { changeSourceName, reportRun } from "./change-source.ts";
import { configCommand } from "./config-command.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark run [--changes NAME] [--until caught-up] [options]

Takes changes from a source of the configuration into the online store and the history. It begins where each of them stands, so it may be stopped, killed and called
again: nothing is lost, and nothing is doubled. SIGTERM and SIGINT stop it; what is not in yet is read again.

  --changes NAME      one of changes in the configuration; may be left out where there is one
  --until caught-up   end where the source ends now

Exit codes: 0 the source ended, or it was stopped while it was to go on · 1 something failed · 2 the command line is wrong · 130 interrupted before it had caught up
`;

export const runCommand: ReturnType<typeof configCommand> = configCommand({
  name: "run",
  help,
  options: { changes: "text", until: "text" },
  interrupted: "what is in stays; call it again to go on",
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
