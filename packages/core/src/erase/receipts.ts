/** Keeps the receipts of erasures in a table of the history. */
import { batchOf, valueAt } from "../columns/batch.ts";
import { tableColumn } from "../columns/table-column.ts";
import type { OfflineStore, TableSpec } from "../spi.ts";
import type { ErasureReceipt } from "./erase-types.ts";

const RECEIPTS: TableSpec = {
  name: "tidemark/erasures",
  columns: [tableColumn("id", "string", false), tableColumn("receipt", "json", false)],
  partitionBy: [],
};

export async function saveReceipt(
  offline: OfflineStore,
  receipt: ErasureReceipt,
  signal: AbortSignal | undefined,
): Promise<void> {
  const row = [receipt.id, JSON.stringify(receipt)];
  await offline.append(RECEIPTS, [batchOf(RECEIPTS.columns, [row])], { positions: [], signal });
}

/** The receipts of all erasures, newest first. */
export async function readReceipts(
  offline: OfflineStore,
  signal?: AbortSignal,
): Promise<readonly ErasureReceipt[]> {
  if ((await offline.state(RECEIPTS.name, { signal })) === null) return [];
  const receipts: ErasureReceipt[] = [];
  for await (const { length, vectors } of offline.scan(RECEIPTS.name, {
    columns: ["receipt"],
    signal,
  }))
    for (let i = 0; i < length; i++)
      receipts.push(JSON.parse(valueAt(vectors[0]!, i) as string) as ErasureReceipt);
  return receipts.sort((a, b) => (a.erasedAt < b.erasedAt ? 1 : -1));
}
