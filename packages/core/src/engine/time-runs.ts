/**
 * Merges batches by time. A history holds its rows in runs of ascending time, so few runs are
 * merged in place of a sort of all rows.
 */

/** Rows of one batch. */
export interface BatchRows {
  /** The indexes of the rows. */
  readonly rows: Int32Array;
  /** The times of the batch, µs, by index. */
  readonly times: Float64Array;
}

/** Row k is row `index[k]` of batch `part[k]`. */
export interface RowPicks {
  readonly part: Int32Array;
  readonly index: Int32Array;
}

/** More runs are not merged: to find the least of so many times is slower than a sort. */
const MOST_RUNS = 32;

/** Rows of one batch in the order of their times: `rows[from]` to `rows[to − 1]`. */
interface Piece {
  readonly part: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the `total` rows of all batches in the order of their times. Rows of one time may have
 * any order. null: the rows are no small number of runs.
 */
export function mergedByTime(batches: readonly BatchRows[], total: number): RowPicks | null {
  const runs = runsOf(batches);
  return runs === null ? null : mergeRuns(batches, runs, total);
}

function runsOf(batches: readonly BatchRows[]): readonly (readonly Piece[])[] | null {
  const runs: Piece[][] = [];
  /** The last time of each run. */
  const ends: number[] = [];
  for (let part = 0; part < batches.length; part++) {
    const { rows, times } = batches[part]!;
    for (let from = 0; from < rows.length;) {
      let to = from + 1;
      while (to < rows.length && times[rows[to - 1]!]! <= times[rows[to]!]!) to++;
      const first = times[rows[from]!]!;
      let run = ends.findIndex((end) => end <= first);
      if (run < 0) run = runs.push([]) - 1;
      if (run === MOST_RUNS) return null;
      runs[run]!.push({ part, from, to });
      ends[run] = times[rows[to - 1]!]!;
      from = to;
    }
  }
  return runs;
}

function mergeRuns(
  batches: readonly BatchRows[],
  runs: readonly (readonly Piece[])[],
  total: number,
): RowPicks {
  const part = new Int32Array(total);
  const index = new Int32Array(total);
  /** Of each run: the piece, the place in its rows, and the time there. */
  const pieces = new Int32Array(runs.length);
  const places = Int32Array.from(runs, ([first]) => first!.from);
  const heads = Float64Array.from(runs, ([first]) => timeAt(batches, first!, first!.from));
  for (let done = 0; done < total;) {
    let least = 0;
    let second = Infinity;
    for (let run = 1; run < heads.length; run++)
      if (heads[run]! < heads[least]!) {
        second = heads[least]!;
        least = run;
      } else if (heads[run]! < second) second = heads[run]!;
    // the run goes on while no other run has an earlier row
    const piece = runs[least]![pieces[least]!]!;
    const { rows, times } = batches[piece.part]!;
    let place = places[least]!;
    do {
      part[done] = piece.part;
      index[done++] = rows[place++]!;
    } while (place < piece.to && times[rows[place]!]! <= second);
    if (place === piece.to) {
      const next = runs[least]![++pieces[least]!];
      places[least] = next?.from ?? 0;
      heads[least] = next === undefined ? Infinity : timeAt(batches, next, next.from);
    } else {
      places[least] = place;
      heads[least] = times[rows[place]!]!;
    }
  }
  return { part, index };
}

function timeAt(batches: readonly BatchRows[], { part }: Piece, place: number): number {
  const { rows, times } = batches[part]!;
  return times[rows[place]!]!;
}
