/**
 * Counts rows by day and column within a limit of memory. Where the values of all days do not fit,
 * the last days are read another time.
 */
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { ColumnState } from "./column-state.ts";
import { columnProfile } from "./column-profile.ts";
import { isInRanges } from "./day-ranges.ts";
import type { DayRange, DayRows } from "./day-rows.ts";
import type { Measured, MeasuredColumn } from "./measured-column.ts";
import type { ColumnProfile } from "./profile-types.ts";

/** The memory of a counted value, about: its entry in a table and a short text. */
const VALUE_BYTES = 160;
/** The values that a state without values counts as. */
const STATE_VALUES = 4;
/** Rows between two looks at the event loop. */
const BLOCK_ROWS = 16_384;

/** The profile of a column on one day, and the bytes of its state. */
export interface CountedColumn {
  readonly profile: ColumnProfile;
  readonly state: Uint8Array;
}

/** The same, with the counted values. Where they did not fit in memory, they are a sketch. */
export interface CountedValues extends CountedColumn {
  readonly values: ColumnState;
}

/** Days that are counted completely. Days of `range` without rows are not among `days`. */
export interface CountedDays {
  readonly range: DayRange;
  readonly days: ReadonlyMap<number, readonly CountedValues[]>;
}

/** How many values may be in memory. */
export function valuesWithin(memoryLimit: number): number {
  return Math.floor(memoryLimit / VALUE_BYTES);
}

/** Yields the days of the ranges in groups, in their order. The rows between them are read too. */
export async function* countDays(
  rows: DayRows,
  ranges: readonly DayRange[],
  { values, signal }: { readonly values: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<CountedDays> {
  let { from } = ranges[0]!;
  const last = ranges.at(-1)!.to;
  for (;;) {
    const pass = new Pass(rows.columns, { from, to: last }, ranges, values);
    await pass.read(rows, signal);
    const days = new Map<number, readonly CountedValues[]>();
    for (const [day, states] of pass.days) {
      days.set(
        day,
        states === null ? await columnByColumn(rows, day, signal) : states.map(counted),
      );
      pass.days.delete(day);
    }
    yield { range: { from, to: pass.to }, days };
    // the last day may be infinite
    if (pass.to >= last) return;
    from = pass.to + 1;
  }
}

function counted(values: ColumnState): CountedValues {
  return { profile: columnProfile(values), state: values.encode(), values };
}

/** A day whose columns do not fit in memory together: one column after the other. */
async function columnByColumn(
  rows: DayRows,
  day: number,
  signal: AbortSignal | undefined,
): Promise<readonly CountedValues[]> {
  const result: CountedValues[] = [];
  for (const column of rows.columns) {
    const pass = new Pass([column], { from: day, to: day }, [{ from: day, to: day }], Infinity);
    await pass.read(rows, signal);
    const one = counted(pass.days.get(day)![0]!);
    result.push({ ...one, values: ColumnState.decode(one.state, column) });
  }
  return result;
}

/** One reading of the rows. */
class Pass {
  /** The states of each day, one for each column; null: they do not fit in memory together. */
  readonly days = new Map<number, readonly ColumnState[] | null>();
  /** The last day that is counted. It moves back where memory is short. */
  to: number;
  private readonly from: number;
  private readonly columns: readonly MeasuredColumn[];
  private readonly ranges: readonly DayRange[];
  private readonly values: number;

  constructor(
    columns: readonly MeasuredColumn[],
    { from, to }: DayRange,
    ranges: readonly DayRange[],
    values: number,
  ) {
    this.columns = columns;
    this.from = from;
    this.to = to;
    this.ranges = ranges;
    this.values = values;
  }

  async read(rows: DayRows, signal: AbortSignal | undefined): Promise<void> {
    const yieldToEventLoop = eventLoopYielder();
    const options = { columns: this.columns, days: { from: this.from, to: this.to }, signal };
    for await (const { length, vectors, days } of rows.batches(options)) {
      const readers = vectors.map((vector, c) => this.columns[c]!.reader(vector));
      for (let begin = 0; begin < length; begin += BLOCK_ROWS) {
        const end = Math.min(length, begin + BLOCK_ROWS);
        const states = this.statesOf(days, begin, end);
        readers.forEach((valueOf, c) => {
          addRuns(states, c, begin, valueOf);
        });
        this.keepWithin();
        signal?.throwIfAborted();
        await yieldToEventLoop();
      }
    }
  }

  /** The states of each row's day; undefined: the row is not counted. */
  private statesOf(
    days: Float64Array,
    begin: number,
    end: number,
  ): readonly (readonly ColumnState[] | undefined)[] {
    let last = NaN;
    let states: readonly ColumnState[] | undefined;
    return Array.from({ length: end - begin }, (_, i) => {
      const day = days[begin + i]!;
      if (day !== last) {
        last = day;
        states = this.statesOfDay(day);
      }
      return states;
    });
  }

  private statesOfDay(day: number): readonly ColumnState[] | undefined {
    if (!(day >= this.from && day <= this.to)) return undefined;
    let states = this.days.get(day);
    if (states === undefined) {
      if (!isInRanges(this.ranges, day)) return undefined;
      states = this.columns.map((column) => new ColumnState(column));
      this.days.set(day, states);
    }
    return states ?? undefined;
  }

  /** Leaves the last days to another reading while there are too many values. */
  private keepWithin(): void {
    const sizes = new Map<number, number>();
    let all = 0;
    for (const [day, states] of this.days) {
      let size = 0;
      for (const state of states ?? []) size += state.size + STATE_VALUES;
      sizes.set(day, size);
      all += size;
    }
    if (all <= this.values) return;
    const order = [...sizes.keys()].sort((a, b) => a - b);
    let kept = 0;
    for (const [i, day] of order.entries()) {
      kept += sizes.get(day)!;
      if (i === 0 && kept > this.values) this.days.set(day, null);
      if (i === 0 || kept <= this.values / 2) continue;
      for (const later of order.slice(i)) this.days.delete(later);
      this.to = day - 1;
      return;
    }
  }
}

/** Adds the values of rows. Equal values of one day that follow each other are added together. */
function addRuns(
  states: readonly (readonly ColumnState[] | undefined)[],
  column: number,
  begin: number,
  valueOf: (row: number) => Measured | null,
): void {
  let [value, rows]: [Measured | null, number] = [null, 0];
  let last: readonly ColumnState[] | undefined;
  for (let i = 0; i < states.length; i++) {
    const own = states[i];
    if (own === undefined) continue;
    const next = valueOf(begin + i);
    if (own === last && next === value) {
      rows++;
      continue;
    }
    if (last !== undefined) last[column]!.add(value, rows);
    [last, value, rows] = [own, next, 1];
  }
  if (last !== undefined) last[column]!.add(value, rows);
}
