/** `tidemark backfill`: fills the online store from the history. */
import type { BackfillResult, SourceReadiness } from "@tidemark/core";
import { checkSourceName } from "./change-source.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark backfill [--source NAME] [options]

Fills the online store from the history, up to the end of the history. Use it for an
empty online store, or for one that is further behind than the topic goes back. Then
tidemark run goes on from there. Use it also after the definitions have changed: rows
that lack a column, a key or the time of a longer window are stored anew in place. The
rows of before are served and written meanwhile. The command may be stopped, killed and
run again. Until an empty store is filled, its features answer NOT_READY or
NEEDS_BACKFILL.

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
  audited: true,
  interrupted: "what was filled stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, audit, seconds }) {
    const { store, definitions } = await open({ offline: true, online: true });
    const names = [...definitions.sources.keys()];
    const sources = given.has("source") ? given.texts("source") : names;
    for (const name of sources) checkSourceName(name, names, config.file);
    audit({ sources });
    let told = performance.now();
    let waiting = false;
    const result = await store.backfill({
      sources,
      signal,
      onProgress({ source, changes, total, waitingFor }) {
        const count = `${changes} changes${total === null ? "" : ` of ${total}`}, ${seconds()}`;
        const text =
          waitingFor === null
            ? `${source}: ${count}`
            : `${source}: waits for the history, which is behind the online store, ${seconds()}`;
        progress.update(text);
        const isNew = waitingFor !== null && !waiting;
        waiting = waitingFor !== null;
        if (!isNew && performance.now() - told < REPORT_INTERVAL) return;
        told = performance.now();
        progress.done(text);
      },
    });
    audit({ changes: result.changes });
    const readiness = new Map((await store.readiness()).map((one) => [one.source, one]));
    printResult({ ...result, readiness: [...readiness.values()] }, [
      ...result.sources.map((one) => sourceText(one, readiness.get(one.source))),
      ...(result.changes === 0 ? ["nothing to do"] : [`${result.changes} changes in ${seconds()}`]),
    ]);
    return 0;
  },
});

/** What was done for a source, why, and whether its features are answered now. */
function sourceText(
  { source, changes, positions, reason, seconds }: BackfillResult["sources"][number],
  readiness: SourceReadiness | undefined,
): string {
  const rows = `${changes} changes in ${seconds.toFixed(1)} s`;
  const what =
    reason !== null
      ? `stored anew, ${rows}, because ${reason}`
      : positions.length === 0
        ? "there is no history of it"
        : changes === 0
          ? "nothing to do: its rows are those of the history"
          : `filled from the history, ${rows}`;
  if (readiness === undefined) return `${source}: ${what}`;
  const { reason: code, message } = readiness;
  return `${source}: ${what}; ${code === null ? "served now" : `${code}: ${message ?? ""}`}`;
}
