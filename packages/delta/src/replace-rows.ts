/**
 * Replaces rows of a table in one commit. A file without such rows stays. Any other file is written
 * anew, batch by batch, so memory stays bounded.
 */
import { TidemarkError } from "@tidemark/core";
import type { Batch, OfflineStore } from "@tidemark/core/spi";
import { commitTo } from "./commit.ts";
import { removeFiles, writeFile } from "./data-files.ts";
import type { Lake } from "./lake.ts";
import type { Action, Add } from "./log/actions.ts";
import { checkRewritable } from "./log/schema-checks.ts";
import type { TableSchema } from "./log/schema.ts";
import type { TableFile } from "./log/state.ts";
import type { Piece } from "./parquet/gather.ts";
import { isReadByKey, scanFile } from "./scan.ts";

export type ReplaceOptions = Parameters<OfflineStore["replaceRows"]>[1];

/** A file with affected rows, and the file in its place; null: no row is left. */
interface Replacement {
  readonly file: TableFile;
  readonly add: Add | null;
}

export async function replaceTableRows(
  lake: Lake,
  table: string,
  { columns: names, isAffected, replace, signal }: ReplaceOptions,
): Promise<"done" | "conflict"> {
  let planned: { readonly schema: TableSchema; readonly files: readonly TableFile[] } | null = null;
  const replacements: Replacement[] = [];

  /** Returns whether the file has a row to replace. */
  async function holdsAffected(file: TableFile, schema: TableSchema): Promise<boolean> {
    const columns = names.map((name) => schema.columns.find((column) => column.name === name)!);
    const { partitionBy } = schema;
    for await (const batch of scanFile(lake, table, file, columns, { partitionBy, signal }))
      if (isAffected(batch)) return true;
    return false;
  }

  async function rewritten(file: TableFile, schema: TableSchema): Promise<Add | null> {
    const { columns, partitionBy } = schema;
    let rows = 0;
    async function* pieces(): AsyncGenerator<Piece> {
      const scan = scanFile(lake, table, file, columns, { partitionBy, signal, farTimes: "int64" });
      for await (const batch of scan) {
        const next: Batch = replace(batch);
        rows += next.length;
        if (next.length > 0) yield { batch: next, rows: null, from: 0, to: next.length };
      }
    }
    const add = await writeFile(
      lake,
      { name: table, partitionBy, readByKey: await isReadByKey(lake, table, file, signal) },
      columns.filter((column) => !partitionBy.includes(column.name)),
      file.add.partitionValues,
      pieces(),
      true,
      signal,
    );
    if (rows > 0) return add;
    await removeFiles(lake, table, [add]);
    return null;
  }

  return await commitTo(
    lake,
    table,
    {
      operation: "UPDATE",
      parameters: {},
      check(log) {
        if (log === null)
          throw new TidemarkError(
            "TABLE_MISSING",
            `${lake.objects.name}: there is no table "${table}" to replace rows in`,
          );
        if (planned === null) {
          checkRewritable(log, true, "replace its rows");
          planned = { schema: log.schema, files: [...log.files.values()] };
        }
        return replacements.every(({ file }) => log.files.has(file.add.path)) ? "go" : "conflict";
      },
      async prepare() {
        const { schema, files } = planned!;
        try {
          for (const file of files) {
            signal?.throwIfAborted();
            if (await holdsAffected(file, schema))
              replacements.push({ file, add: await rewritten(file, schema) });
          }
        } catch (error) {
          await abandon();
          throw error;
        }
      },
      actions() {
        const now = lake.clock();
        return replacements.flatMap(({ file: { add: old }, add }): Action[] => [
          {
            remove: {
              path: old.path,
              deletionTimestamp: now,
              dataChange: true,
              extendedFileMetadata: true,
              partitionValues: old.partitionValues,
              size: old.size,
            },
          },
          ...(add === null ? [] : [{ add }]),
        ]);
      },
      abandon,
    },
    signal,
  );

  async function abandon(): Promise<void> {
    await removeFiles(
      lake,
      table,
      replacements.map(({ add }) => add ?? undefined),
    );
  }
}
