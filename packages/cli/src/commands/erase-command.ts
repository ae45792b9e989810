/** `tidemark erase`: erases entities from the stores. */
import { writeFile } from "node:fs/promises";
import type { ErasureReceipt } from "@tidemark/core";
import { atomicFile } from "../output/atomic-file.ts";
import { usage } from "../terminal/options.ts";
import { configCommand } from "./config-command.ts";
import { erasedKeys } from "./erase-keys.ts";

const help = `Usage: tidemark erase --entity NAME --key COLUMN=VALUE [--now] [options]
       tidemark erase --entity NAME --keys-file FILE [--now] [options]
       tidemark erase --entity NAME --key COLUMN=VALUE --check [options]
       tidemark erase --receipts [options]

Erases an entity from the online store and the history: its rows, their versions, its
materialized answers, and their values in the statistics of files. Changes of the entity
from before the erasure are refused from then on. Delete the entity in the database
first. The command may be stopped, killed and run again, while streams and readers run.

  --entity NAME         the entity of the definitions, such as user
  --key COLUMN=VALUE    a key of the entity; repeat it for each key
  --keys-file FILE      a CSV file with a column for each key: erases up to 10,000
                        entities together, and writes each file anew once
  --now                 remove the files of older table versions at once; a read that
                        runs meanwhile fails; default: tidemark vacuum removes them
                        after the retention of the store
  --by NAME             who erases, for the receipt; default: the current user
  --receipt FILE        write the receipt to this new file, too
  --check               count what the stores hold of the entity, and remove nothing
  --receipts            print the receipts of all erasures, newest first
`;

export const eraseCommand: ReturnType<typeof configCommand> = configCommand({
  name: "erase",
  help,
  exitCodes: {
    0: "erased; with --check: nothing is there",
    1: "failed; run it again",
    3: "with --check: the stores hold rows of the entity",
    130: "interrupted; run it again",
  },
  options: {
    entity: "text",
    key: "texts",
    "keys-file": "text",
    now: "flag",
    by: "text",
    receipt: "text",
    check: "flag",
    receipts: "flag",
  },
  audited: true,
  interrupted: "some rows are erased, others are not; run it again to go on",
  async run({ given, open, progress, signal, printResult, audit, seconds }) {
    if (given.has("receipts")) {
      const { store } = await open({ online: false, offline: true });
      const receipts = await store.erasures({ signal });
      printResult(
        { receipts },
        receipts.length === 0 ? ["nothing was erased yet"] : receipts.flatMap(receiptLines),
      );
      return 0;
    }
    const entity = given.text("entity");
    if (entity === undefined) throw usage("--entity is missing");
    const dryRun = given.has("check");
    const configured = await open();
    const keys = await erasedKeys(
      entity,
      { texts: given.texts("key"), file: given.text("keys-file") },
      configured.definitions,
      signal,
    );
    const path = given.text("receipt");
    const file =
      path === undefined || dryRun ? null : await atomicFile(path, { force: false, input: "" });
    audit({ entity, keys: keys.length, check: dryRun, now: given.has("now") });
    try {
      const receipt = await configured.store.erase({
        entity,
        keys,
        dryRun,
        now: given.has("now"),
        by: given.text("by"),
        signal,
        onProgress({ place, done, total }) {
          progress.update(`${done} of ${total}: ${place}`);
        },
      });
      // the log names the receipt, and never the key
      if (!dryRun)
        audit({ receipt: receipt.id, keyHashes: receipt.keyHashes, rows: rowsOf(receipt) });
      if (file !== null) {
        await writeFile(file.temporary, `${JSON.stringify(receipt, null, 2)}\n`);
        await file.commit();
      }
      const rows = rowsOf(receipt);
      if (dryRun) {
        printResult(
          { ...receipt },
          rows === 0
            ? [`the stores hold no row of ${whom(keys.length, entity)}`]
            : [...placeLines(receipt), `the stores hold rows of ${whom(keys.length, entity)}`],
        );
        return rows === 0 ? 0 : 3;
      }
      printResult({ ...receipt }, [...receiptLines(receipt), `done in ${seconds()}`]);
      return 0;
    } finally {
      await file?.abandon();
    }
  },
});

function rowsOf({ tables, online }: ErasureReceipt): number {
  return (
    tables.reduce((sum, { removed, reduced }) => sum + removed + reduced, 0) +
    online.reduce((sum, { rows, cells }) => sum + rows + cells, 0)
  );
}

const whom = (keys: number, entity: string): string =>
  keys === 1 ? `this ${entity}` : `these ${keys} keys of ${entity}`;

function receiptLines(receipt: ErasureReceipt): string[] {
  const { id, entity, keyHashes, erasedAt, by, oldVersionsUntil, isPurged, repeated } = receipt;
  const erased =
    keyHashes.length === 1 ? `a ${entity} was` : `${keyHashes.length} of ${entity} were`;
  return [
    `receipt ${id}: ${erased} erased at ${erasedAt} by ${by.replace(/\p{Cc}/gu, " ")}` +
      (repeated ? ", again" : ""),
    ...placeLines(receipt),
    ...(oldVersionsUntil === null
      ? []
      : [`  files of older versions go with the first tidemark vacuum after ${oldVersionsUntil}`]),
    ...(isPurged
      ? []
      : ["  a reader kept old pages of the online store's file: run this again to remove them"]),
  ];
}

function placeLines({ tables, online }: ErasureReceipt): string[] {
  return [
    ...tables.map(
      ({ table, removed, reduced }) =>
        `  ${table}: ${removed} rows` + (reduced === 0 ? "" : `, and parts of ${reduced} others`),
    ),
    ...online.map(({ place, rows }) => `  online ${place}: ${rows} rows`),
  ];
}
