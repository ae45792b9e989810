/** Writes entity rows into a Parquet file that Spark reads. */
import { TidemarkError } from "@tidemark/core";
import { batchOf, type Batch, type ColumnSpec, type Vector } from "@tidemark/core/spi";
import type { entityRowsOf } from "@tidemark/core/internal";
import type { SparkJob } from "./spark-job.ts";
import { labelColumn } from "./plan-views.ts";

type EntityRowSource = Awaited<ReturnType<typeof entityRowsOf>>;

/** Writes the rows with their numbers, their times in µs, and their keys as entities have them. */
export async function writeEntityRows(
  file: string,
  source: EntityRowSource,
  keys: readonly ColumnSpec[],
  {
    uri,
    signal,
    check,
  }: {
    readonly uri: string;
    readonly signal?: AbortSignal | undefined;
    /** Throws if a row may not be answered. `first` is the number of the first row. */
    readonly check: (times: Float64Array, first: number) => void;
  },
): Promise<SparkJob["entities"]> {
  const added: readonly ColumnSpec[] = [
    column("_row", "int64"),
    column("_at", "int64"),
    ...keys.map((key) => ({ ...key, nullable: false, ...storedKey(key) })),
  ];
  const taken = source.columns.find(({ name }) =>
    added.some((one) => one.name.toLowerCase() === name.toLowerCase()),
  );
  if (taken !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `the entity rows have a column "${taken.name}", which the engine adds; rename it`,
    );
  const columns = [...source.columns, ...added];
  let [rows, earliest, latest] = [0, Infinity, -Infinity];
  const batches = async function* (): AsyncGenerator<Batch> {
    for await (const block of source.blocks(signal)) {
      const { length, times, keys: given } = block;
      check(times, rows);
      for (const time of times) {
        earliest = Math.min(earliest, time);
        latest = Math.max(latest, time);
      }
      const first = rows;
      rows += length;
      const vectors: Vector[] = [
        integers(BigInt64Array.from({ length }, (_, i) => BigInt(first + i))),
        integers(BigInt64Array.from(times, BigInt)),
        ...keys.map(({ name, type }) => {
          const vector = given.vectors[given.columns.findIndex((one) => one.name === name)]!;
          return type === "timestamp"
            ? integers(
                BigInt64Array.from((vector as { readonly values: Float64Array }).values, BigInt),
              )
            : vector;
        }),
      ];
      yield { length, columns, vectors: [...block.batch().vectors, ...vectors] };
    }
    if (rows === 0) yield batchOf(columns, []);
  };
  // the kernel needs no package of files
  const { writeParquet } = await import("@tidemark/delta");
  await writeParquet(file, { columns, batches: batches(), signal });
  return {
    uri,
    rows,
    columns: source.columns.map(({ name }) => name),
    earliest: rows === 0 ? 0 : earliest,
    latest: rows === 0 ? 0 : latest,
  };
}

/** Times are whole numbers of µs, as in the history. */
function storedKey({ name, type }: ColumnSpec): Pick<ColumnSpec, "name" | "database" | "type"> {
  const label = labelColumn(name);
  return { name: label, database: label, type: type === "timestamp" ? "int64" : type };
}

function column(name: string, type: ColumnSpec["type"]): ColumnSpec {
  return { name, database: name, type, nullable: false };
}

function integers(values: BigInt64Array): Vector {
  return { kind: "int64", values, valid: null };
}
