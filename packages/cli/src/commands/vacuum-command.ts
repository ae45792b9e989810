/** `tidemark vacuum`: files of the history that nobody needs any more, removed. */
import { configCommand } from "./config-command.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark vacuum [--dry-run] [--retain 30d] [--table NAME] [options]

Removes the files of the history that no version of the last days needs: those that were rewritten or joined since, and those of writers that died before their commit.
Streams and readers may go on beside it: what is written now is younger than that.

  --dry-run      say what would go, and remove nothing
  --retain TIME  keep what a version of so long ago needs, as in 3d or 12h; the store's own retention (7 days, if it says nothing) without it
  --force        take a --retain shorter than the store's: a reader, or a writer, that takes longer than it loses its files
  --table NAME   only this table, such as transactions/changes; again for each further one

Exit codes: 0 done · 1 something failed · 2 the command line is wrong · 130 interrupted
`;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

export const vacuumCommand: ReturnType<typeof configCommand> = configCommand({
  name: "vacuum",
  help,
  options: { "dry-run": "flag", retain: "text", force: "flag", table: "texts" },
  interrupted: "some files that nobody needs are gone, others are still there",
  async run({ given, open, progress, signal, printResult }) {
    const asked = parseRetain(given.text("retain"));
    const configured = await open({ online: false, offline: true });
    const offline = maintainableStore(configured);
    const retain = asked ?? offline.retain;
    if (retain < offline.retain && !given.has("force"))
      throw usage(
        `--retain ${given.text("retain")!} is less than the store's retention of ` +
          `${durationText(offline.retain)}: whoever reads or writes for longer would lose files; ` +
          "give --force where nobody does",
      );
    if (retain > offline.retain)
      throw usage(
        `--retain ${given.text("retain")!} is more than the store's retention of ` +
          `${durationText(offline.retain)}, and which files left before that it does not remember; ` +
          "open it with deltaOfflineStore(…, { retain }) in the configuration",
      );
    const dryRun = given.has("dry-run");
    const done: { readonly table: string; readonly removed: readonly string[] }[] = [];
    for (const { name } of await tablesToMaintain(
      configured,
      offline,
      given.texts("table"),
      signal,
    )) {
      signal.throwIfAborted();
      progress.update(`${name}: looking for files that nobody needs`);
      const { removed } = await offline.vacuum(name, { retain, dryRun, signal });
      done.push({ table: name, removed });
      progress.done(`${name}: ${removed.length} files ${dryRun ? "would go" : "are gone"}`);
    }
    const all = done.flatMap(({ removed }) => removed);
    printResult({ dryRun, retain: durationText(retain), tables: done }, [
      ...(dryRun ? all : []),
      `${all.length} files ${dryRun ? "would go" : "are gone"}; what the versions of the last ` +
        `${durationText(retain)} need is there`,
    ]);
    return 0;
  },
});

/** ms; null where nothing is given. */
function parseRetain(text: string | undefined): number | null {
  if (text === undefined) return null;
  const [, number, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (number === undefined)
    throw usage(`--retain ${text}: write a whole number and s, m, h, d or w, as in 7d`);
  return Number(number) * DURATION_UNITS[unit!]!;
}

function durationText(ms: number): string {
  const [unit, size] = Object.entries(DURATION_UNITS)
    .toReversed()
    .find(([name, one]) => name !== "w" && ms >= one && ms % one === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
