/** `tidemark backfill`: the online store from the history. */
import { checkSourceName } from "./change-source.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark backfill [--source NAME] [options]

Fills the online store from the history, up to where the history stands: one that is empty, or that is further behind than the topic goes back. After it, tidemark run
goes on from there. It may be stopped, killed and called again; until a store that was empty is full, its features answer NEEDS_BACKFILL.

  --source NAME   again for each further one; all sources, if it is left out

Exit codes: 0 done · 1 something failed; what was filled stays · 2 the command line is wrong · 130 interrupted
`;

/** ms between two lines where no terminal shows them move. */
const REPORT_INTERVAL = 30_000;

export const backfillCommand: ReturnType<typeof configCommand> = configCommand({
  name: "backfill",
  help,
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
