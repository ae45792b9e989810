/** `tidemark vacuum`: removes files of the history that no version needs any more. */
import type { Duration } from "@tidemark/core";
import { durationText, retentionMicros } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark vacuum [--dry-run] [--retention 3d] [--table NAME] [options]

Removes the files of the history that no version within the retention needs: files that
were rewritten or joined, and files of writers that died before their commit. Streams
and readers may run at the same time.

  --dry-run             list the files, and remove nothing
  --retention TIME      keep the files of the versions of this time, as in 3d or 12h;
                        default: the retention of the store, 7 days if it has none
  --force               allow a --retention below that of the store; a reader or writer
                        that takes longer than --retention loses its files
  --table NAME          only this table, such as transactions/changes; may be repeated
`;

export const vacuumCommand: ReturnType<typeof configCommand> = configCommand({
  name: "vacuum",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted; some files are removed" },
  options: { "dry-run": "flag", retention: "text", force: "flag", table: "texts" },
  audited: true,
  interrupted: "some files are removed, others are not; run it again to go on",
  async run({ given, open, progress, signal, printResult, audit }) {
    const asked = parseRetention(given.text("retention"));
    const configured = await open({ online: false, offline: true });
    const offline = maintainableStore(configured);
    const retention = asked ?? offline.retention;
    const length = retentionMicros("--retention", retention);
    const own = retentionMicros("retention", offline.retention);
    if (length < own && !given.has("force"))
      throw usage(
        `--retention ${retention} is less than the store's retention of ${durationText(own)}: ` +
          "a longer read or write would lose files; add --force if there is none",
      );
    if (length > own)
      throw usage(
        `--retention ${retention} is more than the store's retention of ${durationText(own)}: ` +
          "the store has forgotten older files; open it with " +
          "deltaOfflineStore(…, { retention }) in the configuration",
      );
    const dryRun = given.has("dry-run");
    audit({ retention, dryRun, force: given.has("force") });
    const done: { readonly table: string; readonly removed: readonly string[] }[] = [];
    for (const { name } of await tablesToMaintain(
      configured,
      offline,
      given.texts("table"),
      signal,
    )) {
      signal.throwIfAborted();
      progress.update(`${name}: looking for files that no version needs`);
      const { removed } = await offline.vacuum(name, { retention, dryRun, signal });
      done.push({ table: name, removed });
      progress.done(`${name}: ${removed.length} files ${dryRun ? "would be removed" : "removed"}`);
    }
    const all = done.flatMap(({ removed }) => removed);
    audit({ tables: done.map(({ table }) => table), filesRemoved: dryRun ? 0 : all.length });
    printResult({ dryRun, retention, tables: done }, [
      ...(dryRun ? all : []),
      `${all.length} files ${dryRun ? "would be removed" : "removed"}; the files of the versions ` +
        `of the last ${retention} stay`,
    ]);
    return 0;
  },
});

/** The value of `--retention`; null if the option is left out. */
function parseRetention(text: string | undefined): Duration | "0s" | null {
  if (text === undefined) return null;
  try {
    retentionMicros("--retention", text);
    return text as Duration | "0s";
  } catch {
    throw usage(`--retention ${text}: write a whole number and s, m, h, d or w, as in 7d`);
  }
}
