/**
 * Joins many small files of a partition into few large files, with the same rows in the same order.
 */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec, PartitionFilter } from "@tidemark/core/spi";
import { commitTo } from "./commit.ts";
import { removeFiles, writeFile } from "./data-files.ts";
import type { Lake } from "./lake.ts";
import type { Action, Add } from "./log/actions.ts";
import { checkPartitionFilter, matchesFilter } from "./log/partitions.ts";
import { checkRewritable } from "./log/schema-checks.ts";
import type { TableFile } from "./log/state.ts";
import type { Piece } from "./parquet/gather.ts";
import { isReadByKey, scanFile } from "./scan.ts";

/** Settings of `optimize`. */
export interface OptimizeOptions {
  /** The size up to which files are joined, approximately. Default: 128 MiB. */
  readonly targetBytes?: number | undefined;
  /** Restricts the call to these partitions. */
  readonly partitions?: PartitionFilter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The files that `optimize` joined. */
export interface OptimizeResult {
  readonly filesRemoved: number;
  readonly filesAdded: number;
}

interface Bin {
  readonly files: readonly TableFile[];
  add: Add | null;
}

export async function optimizeTable(
  lake: Lake,
  table: string,
  options: OptimizeOptions,
): Promise<OptimizeResult> {
  const { signal, partitions = {}, targetBytes = 128 * 1024 * 1024 } = options;
  let bins: readonly Bin[] = [];
  let result: OptimizeResult = { filesRemoved: 0, filesAdded: 0 };
  let planned: {
    readonly columns: readonly ColumnSpec[];
    readonly partitionBy: readonly string[];
  } | null = null;
  await commitTo(
    lake,
    table,
    {
      operation: "OPTIMIZE",
      parameters: { targetSize: String(targetBytes) },
      check(log) {
        if (log === null)
          throw new TidemarkError(
            "TABLE_MISSING",
            `${lake.objects.name}: there is no table "${table}" to optimize`,
          );
        if (planned !== null) return "go";
        checkRewritable(log, false, "optimize the table");
        checkPartitionFilter(table, log.schema.partitionBy, partitions);
        planned = log.schema;
        bins = binPack(
          [...log.files.values()].filter((file) =>
            matchesFilter(partitions, file.add.partitionValues),
          ),
          log.schema.partitionBy,
          targetBytes,
        );
        return "go";
      },
      async prepare() {
        const { columns, partitionBy } = planned!;
        const stored = columns.filter((column) => !partitionBy.includes(column.name));
        for (const bin of bins) {
          bin.add = await writeFile(
            lake,
            {
              name: table,
              partitionBy,
              readByKey: await isReadByKey(lake, table, bin.files[0]!, signal),
            },
            stored,
            bin.files[0]!.add.partitionValues,
            piecesOfFiles(lake, table, bin.files, stored, partitionBy, signal),
            false,
            signal,
          );
        }
      },
      actions(log) {
        // A bin is skipped if a rewrite has removed one of its files meanwhile.
        const intactBins = bins.filter(({ files }) =>
          files.every(({ add }) => log!.files.has(add.path)),
        );
        const now = lake.clock();
        result = {
          filesRemoved: intactBins.reduce((sum, { files }) => sum + files.length, 0),
          filesAdded: intactBins.length,
        };
        return intactBins.flatMap(({ files, add }): Action[] => [
          ...files.map(({ add: { path, partitionValues, size } }): Action => ({
            remove: {
              path,
              deletionTimestamp: now,
              dataChange: false,
              extendedFileMetadata: true,
              partitionValues,
              size,
            },
          })),
          { add: add! },
        ]);
      },
      abandon: () =>
        removeFiles(
          lake,
          table,
          bins.map((bin) => bin.add ?? undefined),
        ),
    },
    signal,
  );
  return result;
}

/**
 * Groups the small files into bins, in their order, until a bin reaches the target. A bin of one
 * file is dropped.
 */
function binPack(
  files: readonly TableFile[],
  partitionBy: readonly string[],
  target: number,
): Bin[] {
  const bins: Bin[] = [];
  const open = new Map<string, { files: TableFile[]; bytes: number }>();
  for (const file of files) {
    if (file.add.size >= target) continue;
    const key = JSON.stringify(partitionBy.map((name) => file.add.partitionValues[name] ?? null));
    let bin = open.get(key);
    if (bin === undefined || bin.bytes + file.add.size > target) {
      bin = { files: [], bytes: 0 };
      bins.push({ files: bin.files, add: null });
      open.set(key, bin);
    }
    bin.files.push(file);
    bin.bytes += file.add.size;
  }
  return bins.filter((bin) => bin.files.length > 1);
}

async function* piecesOfFiles(
  lake: Lake,
  table: string,
  files: readonly TableFile[],
  columns: readonly ColumnSpec[],
  partitionBy: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Piece> {
  for (const file of files) {
    const scan = scanFile(lake, table, file, columns, { partitionBy, signal, farTimes: "int64" });
    for await (const batch of scan) yield { batch, rows: null, from: 0, to: batch.length };
  }
}
