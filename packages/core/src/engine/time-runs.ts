/**
 * Merges rows by time. A history holds its rows in runs of ascending time, so few runs are merged
 * in place of a sort of all rows.
 */

/** More runs are not merged: to find the least of so many times is slower than a sort. */
const MOST_RUNS = 32;

/** Rows whose times ascend: [from, to). */
interface Piece {
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the rows in the order of their times. Rows of one time may have any order. null: the rows
 * are no small number of runs.
 */
export function mergedByTime(times: Float64Array): Int32Array | null {
  const runs = runsOf(times);
  return runs === null ? null : mergeRuns(times, runs);
}

function runsOf(times: Float64Array): readonly (readonly Piece[])[] | null {
  const runs: Piece[][] = [];
  /** The last time of each run. */
  const ends: number[] = [];
  for (let from = 0; from < times.length;) {
    let to = from + 1;
    while (to < times.length && times[to - 1]! <= times[to]!) to++;
    const first = times[from]!;
    let run = ends.findIndex((end) => end <= first);
    if (run < 0) run = runs.push([]) - 1;
    if (run === MOST_RUNS) return null;
    runs[run]!.push({ from, to });
    ends[run] = times[to - 1]!;
    from = to;
  }
  return runs;
}

function mergeRuns(times: Float64Array, runs: readonly (readonly Piece[])[]): Int32Array {
  const order = new Int32Array(times.length);
  /** Of each run: the piece, the next row, and its time. */
  const pieces = new Int32Array(runs.length);
  const rows = Int32Array.from(runs, ([first]) => first!.from);
  const heads = Float64Array.from(rows, (row) => times[row]!);
  for (let done = 0; done < order.length;) {
    let least = 0;
    let second = Infinity;
    for (let run = 1; run < heads.length; run++)
      if (heads[run]! < heads[least]!) {
        second = heads[least]!;
        least = run;
      } else if (heads[run]! < second) second = heads[run]!;
    // the run goes on while no other run has an earlier row
    const { to } = runs[least]![pieces[least]!]!;
    let row = rows[least]!;
    do order[done++] = row++;
    while (row < to && times[row]! <= second);
    if (row === to) {
      const next = runs[least]![++pieces[least]!];
      rows[least] = next?.from ?? 0;
      heads[least] = next === undefined ? Infinity : times[next.from]!;
    } else {
      rows[least] = row;
      heads[least] = times[row]!;
    }
  }
  return order;
}
