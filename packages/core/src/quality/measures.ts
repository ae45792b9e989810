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
  "holds" | "measured" | "rows" | "failing" | "examples"
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
      return { holds: measured === null || measured >= share, measured, rows, failing, examples };
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
      return { holds: failing === 0, measured: failing, rows, failing, examples };
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
      rows,
      failing: 0,
      examples: [],
    }),
  };
}

function rowCount(
  t: number,
  { per, atLeast, atMost }: Extract<ExpectationSpec, { kind: "volume" }>,
): Measure {
  let rows = 0;
  return {
    add({ time }) {
      if (t - per <= time) rows++;
    },
    result: () => ({
      holds: rows >= (atLeast ?? 0) && rows <= (atMost ?? Infinity),
      measured: rows,
      rows,
      failing: 0,
      examples: [],
    }),
  };
}

/** How far before `t` the rows lie that an expectation reads, µs; Infinity: it reads all. */
export function reachOf(spec: ExpectationSpec): number {
  return spec.kind === "volume" ? spec.per : Infinity;
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
      return `${bounds.join(" and ")} rows in ${durationText(spec.per)}`;
    }
  }
}
