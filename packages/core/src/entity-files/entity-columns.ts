/** The columns of a file of entity rows: the keys, `event_timestamp`, and what rides along. */
import { batchOf, type Batch } from "../columns/batch.ts";
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";

export const TIME_COLUMN = "event_timestamp";

/** `event_timestamp` as an instant. */
export const timeColumn: ColumnSpec = {
  name: TIME_COLUMN,
  database: TIME_COLUMN,
  type: "timestamp",
  nullable: false,
  zone: "UTC",
};

/** The names of the columns that entity rows have at least. */
export function neededColumns(keys: readonly ColumnSpec[]): readonly string[] {
  return [...keys.map((key) => key.name), TIME_COLUMN];
}

/**
 * Checks that a file has the columns of entity rows. `types` says what each column is, if the file
 * says it.
 *
 * @throws KEY_INVALID when a key is missing.
 * @throws TIME_INVALID when event_timestamp is missing.
 */
export function checkEntityColumns(
  names: readonly string[],
  types: readonly string[] | null,
  file: string,
  keys: readonly ColumnSpec[],
): void {
  const needed = neededColumns(keys);
  for (const name of needed) {
    if (names.includes(name)) continue;
    const columns = names.map((column, c) => (types === null ? column : `${column} ${types[c]!}`));
    throw new TidemarkError(
      name === TIME_COLUMN ? "TIME_INVALID" : "KEY_INVALID",
      `${file}: there is no column ${name}${didYouMean(name, names)} (it has ` +
        `${columns.join(", ")}); entity rows have ${needed.join(", ")}`,
    );
  }
}

/** The column of a name in the batches: a key has its entity's type. */
export function entityColumnNamed(
  name: string,
  keys: readonly ColumnSpec[],
): ColumnSpec | undefined {
  if (name === TIME_COLUMN) return timeColumn;
  const key = keys.find((one) => one.name === name);
  return key === undefined ? undefined : { ...key, nullable: false };
}

const BATCH_ROWS = 65_536;

/** Puts rows into batches of bounded size. */
export async function* toBatches(
  columns: readonly ColumnSpec[],
  rows: AsyncIterable<readonly Value[]>,
): AsyncGenerator<Batch> {
  let waiting: (readonly Value[])[] = [];
  for await (const row of rows) {
    waiting.push(row);
    if (waiting.length < BATCH_ROWS) continue;
    yield batchOf(columns, waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield batchOf(columns, waiting);
}
