/**
 * Aggregations that depend on the order and the time of rows, over a plain list, for the oracle.
 * Lengths of time are whole numbers of µs, and each quotient is rounded once.
 */
import type {
  AggregateOptions,
  FeatureSpec,
  TypeSpec,
  Value,
} from "../../../packages/core/src/specs.ts";
import type { Aggregated } from "./aggregate.ts";
import { decayed } from "./decay.ts";
import { roundFraction } from "./exact-fraction.ts";
import { jointStatistic } from "./joint-statistics.ts";
import type { OracleFault } from "./planted-faults.ts";
import { unitsOfAll } from "./statistics.ts";
import { compare, textOf } from "./values.ts";

/** A row in a window: its event time, and the values of the arguments. */
export interface OrderedRow {
  readonly time: number;
  readonly values: readonly Value[];
}

const UNITS: Readonly<Record<string, bigint>> = {
  seconds: 1_000_000n,
  minutes: 60_000_000n,
  hours: 3_600_000_000n,
  days: 86_400_000_000n,
};

/** What an aggregation is, and the types of its arguments. */
export interface OrderedFeature extends Pick<FeatureSpec, "aggregate" | "options"> {
  readonly arguments: readonly TypeSpec[];
}

/**
 * Computes an aggregation over rows in their total order, at `t`; undefined: it is none of these.
 */
export function orderedAggregate(
  { aggregate, options = {}, arguments: types }: OrderedFeature,
  rows: readonly OrderedRow[],
  t: number,
  fault: OracleFault | null,
): Aggregated | undefined {
  const exact = (value: Value): Aggregated => ({ value, overflow: false });
  const there = rows.flatMap(({ values: [value = null] }) => (value === null ? [] : [value]));
  const unit = UNITS[String(options["unit"])]!;
  const since = (row: OrderedRow | undefined): Value =>
    row === undefined ? null : roundFraction(BigInt(t) - BigInt(row.time), unit).value;
  const mean = (lengths: readonly bigint[]): Value =>
    lengths.length === 0
      ? null
      : roundFraction(
          lengths.reduce((a, b) => a + b, 0n),
          BigInt(lengths.length) * unit,
        ).value;
  const greatest = (lengths: readonly bigint[]): Value =>
    lengths.length === 0 ? null : roundFraction(lengths.toSorted(byValue).at(-1)!, unit).value;
  const gaps = rows.slice(1).map(({ time }, i) => BigInt(time) - BigInt(rows[i]!.time));
  const sessions = sessionLengths(rows, BigInt(Number(options["gap"] ?? 0)), fault);
  const oldest = fault === "newest for oldest" ? rows.at(-1) : rows[0];
  switch (aggregate) {
    case "first":
      return exact((fault === "newest for oldest" ? there.at(-1) : there[0]) ?? null);
    case "firstN":
    case "lastN":
      return exact(listed(aggregate, there, options, fault));
    case "last":
      return exact(there.at(-1) ?? null);
    case "timeSinceFirst":
      return exact(since(oldest));
    case "timeSinceLast":
      return exact(since(rows.at(-1)));
    case "minBy":
    case "maxBy":
      return exact(valuesBy(aggregate === "maxBy", types[1]!, rows, fault)[0] ?? null);
    case "bottomKBy":
    case "topKBy": {
      const values = valuesBy(aggregate === "topKBy", types[1]!, rows, fault);
      return exact(
        values.slice(0, Number(options["k"])).map((one) => (Object.is(one, -0) ? 0 : one)),
      );
    }
    case "trend": {
      const counted = rows.filter(({ values }) => values[0] !== null);
      return exact(
        jointStatistic(
          "slope",
          [types[0]!, { type: "timestamp", nullable: false }],
          counted.map(({ time, values }) => [values[0]!, time]),
          options,
          fault,
          unit,
        )!,
      );
    }
    case "decayedSum":
    case "decayedCount":
    case "decayedAvg":
      return decayed(
        aggregate,
        types[0],
        rows.map(({ time, values: [value = null] }) => ({ age: BigInt(t) - BigInt(time), value })),
        BigInt(Number(options["halfLife"])),
        fault,
      );
    case "meanGap":
      return exact(mean(gaps));
    case "maxGap":
      return exact(greatest(gaps));
    case "minGap":
      return exact(gaps.length === 0 ? null : greatest([gaps.toSorted(byValue)[0]!]));
    case "sessionCount":
      return exact(BigInt(sessions.length));
    case "meanSession":
      return exact(mean(sessions));
    case "maxSession":
      return exact(greatest(sessions));
    case "currentStreak":
      return exact(BigInt(streaks(there).at(-1)!));
    case "longestStreak":
      return exact(BigInt(Math.max(...streaks(there))));
    case "changes": {
      const texts = there.map((value) => textOf(value));
      return exact(BigInt(texts.filter((text, i) => i > 0 && text !== texts[i - 1]).length));
    }
    case "drawdown":
      return exact(drawdown(unitsOfAll(types[0]!, there).units));
    default:
      return undefined;
  }
}

/** The values of the rows that have both, sorted by `by`, and equals by newness. */
function valuesBy(
  isDescending: boolean,
  { type }: TypeSpec,
  rows: readonly OrderedRow[],
  fault: OracleFault | null,
): readonly Value[] {
  const sign = isDescending ? -1 : 1;
  const counted = rows.filter(({ values }) => values.every((value) => value !== null));
  if (fault !== "oldest of equals") counted.reverse();
  const sorted = counted.toSorted((a, b) => sign * compare(type, a.values[1]!, b.values[1]!));
  return sorted.map(({ values }) => values[0]!);
}

const byValue = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** The lengths of sessions: a row that is at least `gap` after the one before it begins one. */
function sessionLengths(
  rows: readonly OrderedRow[],
  gap: bigint,
  fault: OracleFault | null,
): bigint[] {
  const sessions: bigint[][] = [];
  for (const row of rows) {
    const time = BigInt(row.time);
    const before = sessions.at(-1)?.at(-1);
    const isNext =
      before === undefined ||
      (fault === "edge of a session gap" ? time - before > gap : time - before >= gap);
    if (isNext) sessions.push([time]);
    else sessions.at(-1)!.push(time);
  }
  return sessions.map((times) => times.at(-1)! - times[0]!);
}

/** The lengths of the streaks, empty ones between two false values included. */
function streaks(values: readonly Value[]): number[] {
  const text = values.map((value) => (value === true ? "t" : "f")).join("");
  return text.split("f").map(({ length }) => length);
}

/** The largest fall from one value to a later one, ÷ the first. Values above 0 count. */
function drawdown(units: readonly bigint[]): number | null {
  const values = units.filter((value) => value > 0n);
  if (values.length === 0) return null;
  let [fall, peak] = [0n, 1n];
  values.forEach((high, i) => {
    for (const later of values.slice(i + 1))
      if ((high - later) * peak > fall * high) [fall, peak] = [high - later, high];
  });
  return roundFraction(fall, peak).value;
}

/** The first `n` values from one end of the rows; with `distinct` each of them once. */
function listed(
  name: "firstN" | "lastN",
  there: readonly Value[],
  { n, distinct }: AggregateOptions,
  fault: OracleFault | null,
): Value {
  const isFirst = (name === "firstN") !== (fault === "list from the other end");
  const values = (isFirst ? there : there.toReversed()).map((one) =>
    Object.is(one, -0) ? 0 : one,
  );
  const texts = values.map(textOf);
  const kept = values.filter((_, i) => distinct !== true || texts.indexOf(texts[i]!) === i);
  return kept.slice(0, Number(n));
}
