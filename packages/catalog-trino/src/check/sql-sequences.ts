/** Aggregations over the order of rows in SQL: gaps, sessions, streaks and changes. */
import { roundRational, unitLengths } from "@tidemark/core/internal";
import { alone, type SqlAggregate, type SqlCall } from "./sql-aggregate.ts";
import { normalSql } from "./sql-values.ts";

/** A unit of time, µs. */
export const unitOf = ({ options }: SqlCall): number =>
  unitLengths[options["unit"] as keyof typeof unitLengths];

/** `micros` ÷ (`count` · the unit), rounded once. */
const meanLength = (micros: number, count: number, call: SqlCall): number =>
  roundRational(BigInt(micros), BigInt(count) * BigInt(unitOf(call)));

/** Each element of a list beside the one after it. */
function neighbours(list: string, pair: string): string {
  const later = `slice(${list}, 2, cardinality(${list}))`;
  const earlier = `slice(${list}, 1, greatest(cardinality(${list}) - 1, 0))`;
  return `zip_with(${earlier}, ${later}, (a, b) -> ${pair})`;
}

/** The times between neighbouring rows, µs. */
const gapsOf =
  ({ time }: SqlCall) =>
  (filter: string): string =>
    neighbours(`array_agg(${time} ORDER BY ${time}) ${filter}`, "b - a");

/** The largest sum of elements that follow each other and are not the end of a run. */
function largestRun(list: string, continues: string, step: string): string {
  const now = `if(${continues}, run.now + ${step}, 0)`;
  const state = "AS row(now bigint, most bigint))";
  return (
    `reduce(${list}, CAST(ROW(0, 0) ${state}, (run, one) -> ` +
    `CAST(ROW(${now}, greatest(run.most, ${now})) ${state}, run -> run.most)`
  );
}

/** The longest or the shortest gap. */
export const extremeGap =
  (name: "array_max" | "array_min") =>
  (call: SqlCall): SqlAggregate =>
    alone(
      [{ sql: (f) => `${name}(${gapsOf(call)(f)})` }],
      ([gap]) => (gap === null ? null : Number(gap) / unitOf(call)),
      null,
    );

/** (newest − oldest event time) ÷ ((n − 1) · unit). */
export const meanGap = (call: SqlCall): SqlAggregate =>
  alone(
    [
      { sql: (f) => `count(*) ${f}` },
      { sql: (f) => `min(${call.time}) ${f}` },
      { sql: (f) => `max(${call.time}) ${f}` },
    ],
    ([rows, first, last]) =>
      Number(rows) < 2 ? null : meanLength(Number(last) - Number(first), Number(rows) - 1, call),
    null,
  );

/** Sessions, which gaps of at least `gap` end. `length` is the sum of the other gaps. */
function sessions(
  call: SqlCall,
  answer: (sessions: { readonly count: number; readonly length: number }) => number | bigint,
  nothing: null | bigint,
): SqlAggregate {
  const gap = String(call.options["gap"]);
  const within = (f: string): string => `filter(${gapsOf(call)(f)}, one -> one < ${gap})`;
  return alone(
    [
      { sql: (f) => `1 + cardinality(filter(${gapsOf(call)(f)}, one -> one >= ${gap}))` },
      { sql: (f) => `reduce(${within(f)}, BIGINT '0', (sum, one) -> sum + one, sum -> sum)` },
    ],
    ([count, length]) => answer({ count: Number(count), length: Number(length) }),
    nothing,
  );
}

export const sessionCount = (call: SqlCall): SqlAggregate =>
  sessions(call, ({ count }) => BigInt(count), 0n);

export const meanSession = (call: SqlCall): SqlAggregate =>
  sessions(call, ({ count, length }) => meanLength(length, count, call), null);

export const maxSession = (call: SqlCall): SqlAggregate =>
  alone(
    [{ sql: (f) => largestRun(gapsOf(call)(f), `one < ${String(call.options["gap"])}`, "one") }],
    ([longest]) => Number(longest) / unitOf(call),
    null,
  );

/** The rows in which the condition is known, in their order. */
const known =
  ({ arguments: [c], order }: SqlCall) =>
  (filter: string): string =>
    `array_agg(${c!.sql} ORDER BY ${order.oldestFirst}) ${filter}`;

/** True rows after the last false one. */
export const currentStreak = (call: SqlCall): SqlAggregate =>
  alone(
    [
      {
        sql: (f) =>
          `reduce(${known(call)(f)}, BIGINT '0', (run, one) -> if(one, run + 1, 0), run -> run)`,
        where: `${call.arguments[0]!.sql} IS NOT NULL`,
      },
    ],
    ([rows]) => BigInt((rows as number | null) ?? 0),
    0n,
  );

/** The most true rows without a false one between them. */
export const longestStreak = (call: SqlCall): SqlAggregate =>
  alone(
    [
      {
        sql: (f) => largestRun(known(call)(f), "one", "1"),
        where: `${call.arguments[0]!.sql} IS NOT NULL`,
      },
    ],
    ([rows]) => BigInt((rows as number | null) ?? 0),
    0n,
  );

/** Neighbours that differ. */
export const changes = (call: SqlCall): SqlAggregate => {
  const x = call.arguments[0]!;
  const list = `array_agg(${normalSql(x.sql, x.spec)} ORDER BY ${call.order.oldestFirst})`;
  return alone(
    [
      {
        sql: (f) => `cardinality(filter(${neighbours(`${list} ${f}`, "a <> b")}, one -> one))`,
        where: `${x.sql} IS NOT NULL`,
      },
    ],
    ([pairs]) => BigInt((pairs as number | null) ?? 0),
    0n,
  );
};
