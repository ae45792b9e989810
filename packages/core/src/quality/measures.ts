/** Measures expectations over rows that come one after the other, in any order. */
import { dataText } from "../define/data-text.ts";
import { durationText } from "../define/duration.ts";
import { expressionText } from "../expr/expression-text.ts";
import type { ExpectationSpec, Expression, Value } from "../specs.ts";
import type { ExpectationResult } from "./quality-types.ts";

/** A row or an entity, as an expectation reads it. */
export interface MeasuredRow {
  /** The value of an expression of the expectation. */
  valueOf(expression: Expression): Value;
  /** The event time, µs; of entities there is none. */
  readonly time: number;
  /** The key for examples. */
  readonly key: () => ExpectationResult["examples"][number];
}

/** What was measured of one expectation. */
export type Measured = Pick<
  ExpectationResult,
  "holds" | "measured" | "reference" | "rows" | "failing" | "examples"
>;

/** Takes rows of before `t`, and says what they are worth. */
export interface Measure {
  add(row: MeasuredRow): void;
  result(): Measured;
}

/** How many keys of failing rows a report names. */
const EXAMPLES = 3;

/** Makes the measure of an expectation at the time `t`, µs. */
export function measureOf(spec: ExpectationSpec, t: number): Measure {
  switch (spec.kind) {
    case "holds":
      return truths(spec.condition, spec.share);
    case "unique":
      return repetitions(spec.columns);
    case "fresh":
      return age(t, spec.within);
    case "volume":
      return rowCount(t, spec);
  }
}

function truths(condition: Expression, share: number): Measure {
  let rows = 0;
  let failing = 0;
  const examples: Measured["examples"][number][] = [];
  return {
    add(row) {
      const truth = row.valueOf(condition);
      if (truth === null) return;
      rows++;
      if (truth === true) return;
      failing++;
      if (examples.length < EXAMPLES) examples.push(row.key());
    },
    result() {
      const measured = rows === 0 ? null : (rows - failing) / rows;
      return {
        holds: measured === null || measured >= share,
        measured,
        reference: null,
        rows,
        failing,
        examples,
      };
    },
  };
}

function repetitions(columns: readonly Expression[]): Measure {
  let rows = 0;
  const seen = new Set<string>();
  const examples: Measured["examples"][number][] = [];
  return {
    add(row) {
      const values = columns.map((column) => row.valueOf(column));
      if (values.includes(null)) return;
      rows++;
      const before = seen.size;
      if (seen.add(dataText(values)).size === before && examples.length < EXAMPLES)
        examples.push(row.key());
    },
    result() {
      const failing = rows - seen.size;
      return { holds: failing === 0, measured: failing, reference: null, rows, failing, examples };
    },
  };
}

function age(t: number, within: number): Measure {
  let rows = 0;
  let newest = -Infinity;
  return {
    add({ time }) {
      rows++;
      newest = Math.max(newest, time);
    },
    result: () => ({
      holds: t - newest <= within,
      measured: rows === 0 ? null : (t - newest) / 1e6,
      reference: null,
      rows,
      failing: 0,
      examples: [],
    }),
  };
}

function rowCount(
  t: number,
  { per, atLeast, atMost, usual }: Extract<ExpectationSpec, { kind: "volume" }>,
): Measure {
  /** Rows by the number of windows between theirs and `t`. */
  const counts = new Array<number>(1 + (usual?.previous ?? 0)).fill(0);
  return {
    add({ time }) {
      // a window holds its far edge, and not its near one (law 1)
      const age = t - time - 1;
      const window = (age - (age % per)) / per;
      if (window < counts.length) counts[window]!++;
    },
    result() {
      const [rows = 0, ...before] = counts;
      const reference = medianSince(before);
      const isUsual =
        usual === undefined ||
        reference === null ||
        Math.abs(rows - reference) <= usual.within * reference;
      return {
        holds: isUsual && rows >= (atLeast ?? 0) && rows <= (atMost ?? Infinity),
        measured: rows,
        reference,
        rows,
        failing: 0,
        examples: [],
      };
    },
  };
}

/** The median of the counts up to the last that is not 0; null: all are 0. */
function medianSince(counts: readonly number[]): number | null {
  const sorted = counts.slice(0, 1 + counts.findLastIndex((count) => count > 0));
  if (sorted.length === 0) return null;
  sorted.sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** How far before `t` the rows lie that an expectation reads, µs; Infinity: it reads all. */
export function reachOf(spec: ExpectationSpec): number {
  return spec.kind === "volume" ? spec.per * (1 + (spec.usual?.previous ?? 0)) : Infinity;
}

/** The expressions that an expectation computes. */
export function expressionsOf(spec: ExpectationSpec): readonly Expression[] {
  return spec.kind === "holds" ? [spec.condition] : spec.kind === "unique" ? spec.columns : [];
}

/** What is expected, in words. `rows` names what is counted. */
export function expectedText(spec: ExpectationSpec, rows: "row" | "entity"): string {
  switch (spec.kind) {
    case "holds": {
      const { condition, share } = spec;
      const where = share === 1 ? `every ${rows}` : `a share of at least ${share}`;
      return `${expressionText(condition)} in ${where}`;
    }
    case "unique":
      return `${spec.columns.map((one) => expressionText(one)).join(", ")} unique`;
    case "fresh":
      return `the newest row at most ${durationText(spec.within)} old`;
    case "volume": {
      const bounds = [
        ...(spec.atLeast === null ? [] : [`at least ${spec.atLeast}`]),
        ...(spec.atMost === null ? [] : [`at most ${spec.atMost}`]),
      ];
      const { usual } = spec;
      const compared =
        usual === undefined
          ? []
          : [
              `at most ${usual.within} of the median away from that of the ` +
                `${usual.previous} windows before`,
            ];
      const inBounds = bounds.length === 0 ? "rows" : `${bounds.join(" and ")} rows`;
      return [`${inBounds} in ${durationText(spec.per)}`, ...compared].join(", ");
    }
  }
}
