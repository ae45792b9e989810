/** `tidemark backfill`: fills the online store from the history. */
import { checkSourceName } from "./change-source.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark backfill [--source NAME] [options]

Fills the online store from the history, up to the end of the history. Use it for an
empty online store, or for one that is further behind than the topic goes back. Then
tidemark run goes on from there. The command may be stopped, killed and run again.
Until an empty store is filled, its features answer NEEDS_BACKFILL.

  --source NAME         a source to fill; may be repeated; default: all sources
`;

/** Milliseconds between two progress lines where stderr is no terminal. */
const REPORT_INTERVAL = 30_000;

export const backfillCommand: ReturnType<typeof configCommand> = configCommand({
  name: "backfill",
  help,
  exitCodes: {
    0: "done",
    1: "failed; what was filled stays",
    130: "interrupted; what was filled stays",
  },
  options: { source: "texts" },
  interrupted: "what was filled stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, seconds }) {
    const { store, definitions } = await open({ offline: true, online: true });
    const names = [...definitions.sources.keys()];
    const sources = given.has("source") ? given.texts("source") : names;
    for (const name of sources) checkSourceName(name, names, config.file);
    let told = performance.now();
    const result = await store.backfill({
      sources,
      signal,
      onProgress({ changes, total }) {
        const text = `${changes} changes${total === null ? "" : ` of ${total}`}, ${seconds()}`;
        progress.update(text);
        if (performance.now() - told < REPORT_INTERVAL) return;
        told = performance.now();
        progress.done(text);
      },
    });
    printResult({ ...result }, [
      ...result.sources.map(
        ({ source, changes, positions }) =>
          `${source}: ${positions.length === 0 ? "no history" : `${changes} changes taken`}`,
      ),
      `${result.changes} changes in ${seconds()}`,
    ]);
    return 0;
  },
});
