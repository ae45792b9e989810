/** Computes the rows of materialized days on Spark. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { TidemarkError } from "@tidemark/core";
import {
  valueAt,
  type Batch,
  type ColumnSpec,
  type DayRows,
  type DaysEngine,
} from "@tidemark/core/spi";
import { gatherRows, pickRows, typeOf } from "@tidemark/core/internal";
import { sparkTrainingSet, type SparkTrainingSetOptions } from "./spark-training-set.ts";

/** Rows of a batch of entity rows. */
const BATCH_ROWS = 65_536;

const TIME: ColumnSpec = {
  name: "event_timestamp",
  database: "event_timestamp",
  type: "timestamp",
  nullable: false,
};

/**
 * The engine of `store.materialize` that computes the rows of days on Spark. Each of its tasks is a
 * training set whose rows are the entities at the ends of the days. The store writes the answers
 * into the features table, and into the online store.
 *
 * @example
 * async function days(options: Parameters<typeof sparkDays>[0], store: Store): Promise<void> {
 *   await store.materialize({ dates: ["2025-06-14"], engine: sparkDays(options) });
 * }
 */
export function sparkDays({
  engine,
  store,
  offline,
}: Pick<SparkTrainingSetOptions, "engine" | "store" | "offline">): DaysEngine {
  return {
    name: engine.name,
    async compute(days) {
      const { view, rows, signal } = days;
      const columns = view.features.map(({ name, result }) => ({
        ...result,
        name,
        database: name,
        nullable: true,
      }));
      const out = join(resolve(engine.options.staging), `${randomUUID()}-days`);
      if (rows.length === 0) return answersIn([], columns, 0);
      try {
        await sparkTrainingSet({
          engine,
          store,
          offline,
          features: view.features.map((feature) => ({ view, feature, as: feature.name })),
          entities: entityColumns(days),
          out,
          signal,
        });
        const { readParquet } = await import("@tidemark/delta");
        return await answersIn((await readParquet(out)).batches({ signal }), columns, rows.length);
      } finally {
        await rm(out, { recursive: true, force: true });
      }
    },
  };
}

/** The rows as columns: the keys, and the ends of the days. */
function entityColumns({ keys, rows }: DayRows): {
  readonly columns: readonly ColumnSpec[];
  readonly batches: () => AsyncIterable<Batch>;
} {
  const columns = [...keys.columns.map((key) => ({ ...key, nullable: false })), TIME];
  return {
    columns,
    async *batches() {
      for (let first = 0; first < rows.length; first += BATCH_ROWS) {
        const end = Math.min(first + BATCH_ROWS, rows.length);
        const own = rows.entity.subarray(first, end);
        const time = { kind: "float64", values: rows.time.slice(first, end), valid: null } as const;
        const vectors = [...keys.vectors.map((vector) => pickRows(vector, own)), time];
        yield { length: end - first, columns, vectors };
      }
    },
  };
}

/** The answers of a training set in the order of its rows, which their files do not keep. */
async function answersIn(
  batches: AsyncIterable<Batch> | readonly Batch[],
  columns: readonly ColumnSpec[],
  length: number,
): Promise<Batch> {
  const read: Batch[] = [];
  const batchOf = new Int32Array(length).fill(-1);
  const rowOf = new Int32Array(length);
  for await (const batch of batches) {
    const named = new Map(batch.columns.map(({ name }, c) => [name, batch.vectors[c]!]));
    const numbers = named.get("_row")!;
    for (let i = 0; i < batch.length; i++) {
      const row = Number(valueAt(numbers, i));
      batchOf[row] = read.length;
      rowOf[row] = i;
    }
    read.push({
      length: batch.length,
      columns,
      vectors: columns.map(({ name }) => named.get(name)!),
    });
  }
  if (batchOf.includes(-1))
    throw new TidemarkError(
      "KERNEL_FRAME_INVALID",
      "the training set of Spark lacks rows of a day; report this",
    );
  const vectors = columns.map((column, c) =>
    read.length === 0
      ? typeOf(column).layout.missing(0)
      : gatherRows(
          read.map((batch) => batch.vectors[c]!),
          batchOf,
          rowOf,
        ),
  );
  return { length, columns, vectors };
}
