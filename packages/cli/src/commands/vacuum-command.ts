/** `tidemark vacuum`: removes files of the history that no version needs any more. */
import { configCommand } from "./config-command.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark vacuum [--dry-run] [--retain 30d] [--table NAME] [options]

Removes the files of the history that no version within the retention needs: files that
were rewritten or joined, and files of writers that died before their commit. Streams
and readers may run at the same time.

  --dry-run             list the files, and remove nothing
  --retain TIME         keep the files of the versions of this time, as in 3d or 12h;
                        default: the retention of the store, 7 days if it has none
  --force               allow a --retain below the store's retention; a reader or writer
                        that takes longer than --retain loses its files
  --table NAME          only this table, such as transactions/changes; may be repeated
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
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted; some files are removed" },
  options: { "dry-run": "flag", retain: "text", force: "flag", table: "texts" },
  interrupted: "some files are removed, others are not; run it again to go on",
  async run({ given, open, progress, signal, printResult }) {
    const asked = parseRetain(given.text("retain"));
    const configured = await open({ online: false, offline: true });
    const offline = maintainableStore(configured);
    const retain = asked ?? offline.retain;
    if (retain < offline.retain && !given.has("force"))
      throw usage(
        `--retain ${given.text("retain")!} is less than the store's retention of ` +
          `${durationText(offline.retain)}: a longer read or write would lose files; add --force ` +
          "if there is none",
      );
    if (retain > offline.retain)
      throw usage(
        `--retain ${given.text("retain")!} is more than the store's retention of ` +
          `${durationText(offline.retain)}: the store has forgotten older files; open it with ` +
          "deltaOfflineStore(…, { retention }) in the configuration",
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
      progress.update(`${name}: looking for files that no version needs`);
      const { removed } = await offline.vacuum(name, { retain, dryRun, signal });
      done.push({ table: name, removed });
      progress.done(`${name}: ${removed.length} files ${dryRun ? "would be removed" : "removed"}`);
    }
    const all = done.flatMap(({ removed }) => removed);
    printResult({ dryRun, retain: durationText(retain), tables: done }, [
      ...(dryRun ? all : []),
      `${all.length} files ${dryRun ? "would be removed" : "removed"}; the files of the versions ` +
        `of the last ${durationText(retain)} stay`,
    ]);
    return 0;
  },
});

/** The milliseconds of `--retain`; null if the option is left out. */
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
