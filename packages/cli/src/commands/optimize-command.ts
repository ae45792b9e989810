/** `tidemark optimize`: joins the small files of the history. */
import { configCommand } from "./config-command.ts";
import { rewriteReporter } from "../output/rewrite-progress.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";

const help = `Usage: tidemark optimize [--table NAME] [options]

Compacts the versions of rows, and joins the small files of each table of the history.
The rows and their order stay the same. Streams and readers may run at the same time. A
killed process leaves some tables joined and others not; vacuum removes its files.

  --table NAME          only this table, such as transactions/changes, and without
                        compaction; may be repeated
`;

export const optimizeCommand: ReturnType<typeof configCommand> = configCommand({
  name: "optimize",
  help,
  exitCodes: { 0: "done", 1: "failed", 130: "interrupted" },
  options: { table: "texts" },
  audited: true,
  interrupted: "the table in progress stays as it was",
  async run({ given, open, progress, signal, printResult, audit, seconds }) {
    const configured = await open({ online: false, offline: true });
    const offline = maintainableStore(configured);
    const named = given.texts("table");
    const all = await tablesToMaintain(configured, offline, named, signal);
    if (named.length === 0) {
      progress.update("compacting the versions of rows");
      await configured.store.compact({ signal, onProgress: rewriteReporter(progress, seconds) });
    }
    // The first compaction creates the versions tables.
    const tables =
      named.length === 0 ? await tablesToMaintain(configured, offline, [], signal) : all;
    const done: {
      readonly table: string;
      readonly filesRemoved: number;
      readonly filesAdded: number;
    }[] = [];
    for (const { name } of tables) {
      signal.throwIfAborted();
      progress.update(`${name}: joining files`);
      const result = await offline.optimize(name, { signal });
      done.push({ table: name, ...result });
      const joined =
        result.filesRemoved === 0
          ? "nothing to join"
          : `${result.filesRemoved} files are ${result.filesAdded} now`;
      progress.done(`${name}: ${joined}, ${seconds()}`);
    }
    const sum = (key: "filesRemoved" | "filesAdded"): number =>
      done.reduce((total, one) => total + one[key], 0);
    audit({ tables: done.map(({ table }) => table) });
    printResult({ tables: done }, [
      `${done.length} tables; ${sum("filesRemoved")} files are ${sum("filesAdded")} now. The ` +
        "old ones stay for readers until vacuum removes them",
    ]);
    return 0;
  },
});
