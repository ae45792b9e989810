/** Counts all rows of some days together, within a limit of memory. */
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { ColumnState } from "./column-state.ts";
import type { DayRange, DayRows } from "./day-rows.ts";
import type { MeasuredColumn } from "./measured-column.ts";

/** Rows between two looks at the event loop. */
const BLOCK_ROWS = 16_384;

/** How rows are counted together. */
export interface TogetherOptions {
  /** How many values may be in memory. */
  readonly values: number;
  /** The most different values of a column that are kept exactly. */
  readonly most?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Returns the state of each column. Where the values of all columns do not fit in memory, the rows
 * are read again for half of the columns. One column is always counted.
 */
export async function countTogether(
  rows: DayRows,
  range: DayRange,
  options: TogetherOptions,
): Promise<readonly ColumnState[]> {
  const result = new Map<MeasuredColumn, ColumnState>();
  const count = async (columns: readonly MeasuredColumn[], values: number): Promise<void> => {
    if (columns.length === 0) return;
    const states = await countColumns(rows, columns, range, { ...options, values });
    if (states !== null) columns.forEach((column, c) => result.set(column, states[c]!));
    else {
      const half = Math.ceil(columns.length / 2);
      await count(columns.slice(0, half), values);
      await count(columns.slice(half), values);
    }
  };
  await count(rows.columns, options.values);
  return rows.columns.map((column) => result.get(column)!);
}

/** The states of these columns; null: they do not fit in memory together. */
async function countColumns(
  rows: DayRows,
  columns: readonly MeasuredColumn[],
  { from, to }: DayRange,
  { values, most, signal }: TogetherOptions,
): Promise<readonly ColumnState[] | null> {
  const yieldToEventLoop = eventLoopYielder();
  const states = columns.map((column) => new ColumnState(column, most));
  const options = { columns, days: { from, to }, signal };
  for await (const { length, vectors, days } of rows.batches(options)) {
    const readers = vectors.map((vector, c) => columns[c]!.reader(vector));
    for (let begin = 0; begin < length; begin += BLOCK_ROWS) {
      const end = Math.min(length, begin + BLOCK_ROWS);
      readers.forEach((valueOf, c) => {
        const state = states[c]!;
        for (let row = begin; row < end; row++) {
          const day = days[row]!;
          if (day >= from && day <= to) state.add(valueOf(row));
        }
      });
      if (columns.length > 1 && states.reduce((sum, { size }) => sum + size, 0) > values)
        return null;
      signal?.throwIfAborted();
      await yieldToEventLoop();
    }
  }
  return states;
}
