/** `tidemark optimize`: small files of the history, joined. */
import { configCommand } from "./config-command.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";

const help = `Usage: tidemark optimize [--table NAME] [options]

Brings the versions of rows up to the change log, and joins the small files of every table of the history: rows, their order and what is asked of them stay as they are.
Streams and readers may go on beside it. Killed, it has joined some tables and not others; files that it had begun are found by vacuum.

  --table NAME   only this table, such as transactions/changes, as it is; again for each further one

Exit codes: 0 done · 1 something failed · 2 the command line is wrong · 130 interrupted
`;

export const optimizeCommand: ReturnType<typeof configCommand> = configCommand({
  name: "optimize",
  help,
  options: { table: "texts" },
  interrupted: "the table under way stays as it was",
  async run({ given, open, progress, signal, printResult, seconds }) {
    const configured = await open({ online: false, offline: true });
    const offline = maintainableStore(configured);
    const named = given.texts("table");
    const all = await tablesToMaintain(configured, offline, named, signal);
    if (named.length === 0) {
      progress.update("bringing versions up to the change log");
      await configured.store.compact({ signal });
    }
    // the first compaction makes tables
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
      progress.done(
        `${name}: ` +
          `${result.filesRemoved === 0 ? "nothing to join" : `${result.filesRemoved} files are ${result.filesAdded} now`}, ` +
          `${seconds()}`,
      );
    }
    const sum = (key: "filesRemoved" | "filesAdded"): number =>
      done.reduce((total, one) => total + one[key], 0);
    printResult({ tables: done }, [
      `${done.length} tables; ${sum("filesRemoved")} files are ${sum("filesAdded")} now. The ` +
        "old ones stay for readers until vacuum removes them",
    ]);
    return 0;
  },
});
