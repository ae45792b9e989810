/** Chooses entity rows by chance, the same for the same seed. */
import { batchOf, valueAt, type Batch, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { entityRowsOf, type EntityRowsInput } from "@tidemark/core/internal";
import type { NeededColumn } from "@tidemark/core/spi";

/** One entity row of a sample. */
export interface SampledRow {
  /** Its number among all entity rows, from 0. */
  readonly row: number;
  /** The keys, in the order of the needed columns. */
  readonly keys: readonly Value[];
  /** Its event_timestamp, µs. */
  readonly t: number;
}

/** A sample, in the order of the entity rows. */
export interface Sample {
  readonly rows: readonly SampledRow[];
  /** How many entity rows there are. */
  readonly of: number;
}

/** Reads all entity rows, and keeps `size` of them. Each has the same chance. */
export async function sampleOf(
  entities: EntityRowsInput,
  needed: readonly NeededColumn[],
  { size, seed }: { readonly size: number; readonly seed: number },
  signal?: AbortSignal,
): Promise<Sample> {
  const random = randomNumbers(seed);
  const kept: SampledRow[] = [];
  let of = 0;
  const source = await entityRowsOf(entities, needed, 1);
  for await (const { length, keys, times } of source.blocks(signal))
    for (let i = 0; i < length; i++, of++) {
      // the n-th row takes the place of another with a chance of size ÷ n
      const place = of < size ? of : Math.floor(random() * (of + 1));
      if (place < size)
        kept[place] = { row: of, keys: keys.vectors.map((v) => valueAt(v, i)), t: times[i]! };
    }
  return { rows: kept.sort((a, b) => a.row - b.row), of };
}

/** Rows of a view that are asked about, and where their keys are among all keys. */
export interface OwnRows {
  readonly rows: readonly { readonly keys: readonly Value[]; readonly t: number }[];
  /** For each key of the rows: its place among all keys. */
  readonly places: readonly number[];
  /** How long before t a row of the source can count, µs. */
  readonly reach: number;
}

/** A reach without end. */
const LONG = 30 * 86_400_000_000;

/**
 * Makes entity rows of the views' own rows: their keys, at times where a row enters, leaves or is
 * within a window. A key of another view comes from a row of that view. Without a row of each view
 * there are none.
 */
export function sampleOfOwn(
  views: readonly OwnRows[],
  { size, seed }: { readonly size: number; readonly seed: number },
): Sample {
  if (views.some(({ rows }) => rows.length === 0)) return { rows: [], of: 0 };
  const random = randomNumbers(seed);
  const rows = Array.from({ length: views.length === 0 ? 0 : size }, (_, row): SampledRow => {
    const first = row % views.length;
    const turn = Math.floor(row / views.length);
    const keys: Value[] = [];
    // the first view's keys are set last, so they stay
    for (let i = views.length; i > 0; i--) {
      const { rows: own, places } = views[(first + i) % views.length]!;
      const { keys: given } = own[turn % own.length]!;
      places.forEach((place, k) => (keys[place] = given[k]!));
    }
    const { rows: own, reach } = views[first]!;
    const length = Number.isFinite(reach) ? reach : LONG;
    const after = [0, 1, length, length + 1, Math.floor(random() * length)];
    return {
      row,
      keys,
      t: own[turn % own.length]!.t + after[Math.floor(random() * after.length)]!,
    };
  });
  return { rows, of: rows.length };
}

/** The rows as entity columns: keys and times alone. */
export function entityColumnsOf(
  rows: readonly SampledRow[],
  needed: readonly NeededColumn[],
): { readonly columns: readonly ColumnSpec[]; batches(): AsyncIterable<Batch> } {
  const time = { name: "event_timestamp", database: "event_timestamp", type: "timestamp" } as const;
  const columns: readonly ColumnSpec[] = [...needed, { ...time, nullable: false }];
  const batch = batchOf(
    columns,
    rows.map(({ keys, t }) => [...keys, t]),
  );
  return {
    columns,
    async *batches() {
      yield batch;
    },
  };
}

/** Numbers from 0 to 1, by the generator mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
