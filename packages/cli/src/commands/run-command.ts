/** `tidemark run`: changes into the stores, until somebody says stop. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean, backpressureText } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark run [--changes NAME] [--until caught-up] [options]

Takes changes from a source of the configuration into the online store and the history. It begins where each of them stands, so it may be stopped, killed and called
again: nothing is lost, and nothing is doubled. SIGTERM and SIGINT stop it; what is not in yet is read again.

  --changes NAME      one of changes in the configuration; may be left out where there is one
  --until caught-up   end where the source ends now

Exit codes: 0 the source ended, or it was stopped while it was to go on · 1 something failed · 2 the command line is wrong · 130 interrupted before it had caught up
`;

/** ms between two lines where no terminal shows them move. */
const REPORT_INTERVAL = 60_000;

export const runCommand: ReturnType<typeof configCommand> = configCommand({
  name: "run",
  help,
  options: { changes: "text", until: "text" },
  interrupted: "what is in stays; call it again to go on",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const until = given.text("until") ?? "signal";
    if (until !== "signal" && until !== "caught-up")
      throw usage(`--until ${until} is not caught-up${didYouMean(until, ["caught-up"])}`);
    const names = Object.keys(config.changes ?? {});
    const name = given.text("changes") ?? (names.length === 1 ? names[0] : undefined);
    if (name === undefined) {
      if (names.length > 0) throw usage(`--changes is missing: there are ${names.join(", ")}`);
      throw new TidemarkError(
        "CONFIG_INVALID",
        `${config.file}: there is no change source; add changes: { name: ({ until }) => ` +
          "kafkaChanges({ brokers, topics, until }) }",
      );
    }
    const { store, changes } = await open();
    const source = await changes(name, { until, signal });
    let taken = 0;
    let told = performance.now();
    let stopped = false;
    try {
      await store.run(source, {
        signal,
        onBackpressure(stall) {
          if (stall.caughtUp) progress.done(backpressureText(stall));
          else progress.warn(backpressureText(stall));
        },
        onProgress({ changes: count, total }) {
          taken = count;
          const text = `${name}: ${count} changes${total === null ? "" : ` of ${total}`}, ${seconds()}`;
          progress.update(text);
          if (performance.now() - told < REPORT_INTERVAL) return;
          told = performance.now();
          progress.done(text);
        },
      });
    } catch (error) {
      if (!signal.aborted || until === "caught-up") throw error;
      stopped = true;
    }
    printResult({ changes: taken, stopped }, [
      `${taken} changes of ${name} in ${seconds()}${stopped ? "; stopped" : ""}`,
    ]);
    return 0;
  },
});
