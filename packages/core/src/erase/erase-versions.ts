/** Erases rows of entities from the versions table of a source, in one commit. */
import type { HistoryContext } from "../offline/history-context.ts";
import type { Batch } from "../columns/batch.ts";
import { fenceCompaction } from "../offline/versions-erasures.ts";
import { primaryKeyIndexes } from "../rows/row-change.ts";
import type { Value } from "../specs.ts";
import {
  ATTEMPTS,
  contended,
  editedRows,
  rowsIn,
  type ErasedRows,
  type EraseHistoryOptions,
} from "./edit-rows.ts";
import type { ChangesPlan } from "./changes-plan.ts";
import type { Belonging } from "./entity-columns.ts";

export async function eraseVersions(
  { offline, tables, rows, source }: HistoryContext,
  { belongs }: Belonging,
  { keys, whollyErased }: Pick<ChangesPlan, "keys" | "whollyErased">,
  { dryRun, signal }: EraseHistoryOptions,
): Promise<ErasedRows> {
  const table = tables.versions.name;
  const names = tables.versions.columns.map(({ name }) => name);
  const primaryKey = new Set(
    primaryKeyIndexes(source).map((index) => tables.declared[index]!.name),
  );
  let [removed, reduced] = [0, 0];

  /** What becomes of row `i`: it stays, it goes, or it becomes a deleted version. */
  function fateOf(batch: Batch, i: number): "kept" | "removed" | "deleted" {
    const text = rows.textOf(rows.keyAt(batch, i));
    if (!keys.has(text)) return "kept";
    if (whollyErased.has(text)) return "removed";
    const { values, committed } = rows.versionAt(batch, i);
    return values !== null && belongs(values, committed) ? "deleted" : "kept";
  }
  const inOrder = (batch: Batch): Batch => ({
    length: batch.length,
    columns: tables.versions.columns,
    vectors: names.map(
      (name) => batch.vectors[batch.columns.findIndex((column) => column.name === name)]!,
    ),
  });

  if (dryRun) {
    for await (const batch of offline.scan(table, { columns: names, signal }))
      for (const i of rowsIn(batch)) {
        const fate = fateOf(batch, i);
        if (fate === "removed") removed++;
        if (fate === "deleted") reduced++;
      }
    return { table, removed, reduced };
  }
  // a compaction that read the log before now would bring the rows back
  await fenceCompaction(offline, tables, signal);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    [removed, reduced] = [0, 0];
    const written = await offline.replaceRows(table, {
      columns: names,
      signal,
      isAffected: (batch) => rowsIn(batch).some((i) => fateOf(inOrder(batch), i) !== "kept"),
      replace(batch) {
        const fates = rowsIn(batch).map((i) => fateOf(inOrder(batch), i));
        removed += fates.filter((fate) => fate === "removed").length;
        reduced += fates.filter((fate) => fate === "deleted").length;
        return editedRows(
          batch,
          fates.map((fate) => (fate === "kept" ? undefined : fate === "removed" ? null : fate)),
          (_, stored) =>
            batch.columns.map(({ name }, c): Value => {
              if (name === "_deleted") return true;
              return EMPTY_IN_DELETED.has(name) ||
                (tables.declared.some((column) => column.name === name) && !primaryKey.has(name))
                ? null
                : stored[c]!;
            }),
        );
      },
    });
    if (written === "done") return { table, removed, reduced };
  }
  throw contended(offline, table);
}

/** Columns of a version that a deleted version does not have. */
const EMPTY_IN_DELETED: ReadonlySet<string> = new Set([
  "_quarantine",
  "_unresolved",
  "_invalid_columns",
  "_undecodable",
]);
