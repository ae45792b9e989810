/** `tidemark run`: reads a change source into the stores until a signal stops it. */
import type { RunProgress } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { changeSourceName, reportRun } from "./change-source.ts";
import { hasUndecodable, notTakenLines } from "../output/not-taken.ts";
import { configCommand } from "./config-command.ts";
import { runMetricsSettings, serveRunMetrics } from "../serve/run-metrics.ts";
import { watchConfigured } from "../serve/watch-configured.ts";
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
  --metrics-port PORT   serve Prometheus' metrics of the run and the stores at
                        http://127.0.0.1:PORT/metrics; 0: a free port; default: none, or
                        run.metrics of the configuration
  --metrics-host HOST   the address for the metrics; default: 127.0.0.1
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
  options: {
    changes: "text",
    until: "text",
    "new-history": "flag",
    mismatch: "text",
    "metrics-port": "text",
    "metrics-host": "text",
  },
  interrupted: "what was read stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const until = given.text("until") ?? "signal";
    if (until !== "signal" && until !== "caught-up")
      throw usage(`--until ${until} is not caught-up${didYouMean(until, ["caught-up"])}`);
    const mismatch = mismatchOf(given, config.run?.mismatch);
    const metricsSettings = runMetricsSettings(given, config.run?.metrics);
    const name = changeSourceName(given, config);
    const { store, changes, secrets } = await open();
    const report = reportRun(name, progress, seconds);
    const metrics =
      metricsSettings === null
        ? null
        : await serveRunMetrics(metricsSettings, { name, store, secrets });
    if (metrics !== null) progress.done(`metrics at ${metrics.address}/metrics`);
    const onWarning = (text: string): void => {
      progress.warn(text);
    };
    const watch = await watchConfigured(config, { store, secrets, process: "run", onWarning });
    let stopped = false;
    try {
      const source = await changes(name, { until, signal });
      const newHistory = given.has("new-history");
      const onProgress = (made: RunProgress): void => {
        report.onProgress?.(made);
        metrics?.onProgress(made);
      };
      await store.run(source, { ...report, onProgress, mismatch, newHistory, signal });
    } catch (error) {
      if (!signal.aborted || until === "caught-up") throw error;
      stopped = true;
    } finally {
      await watch?.close();
      await metrics?.close();
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
