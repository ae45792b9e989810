/**
 * The aggregations in Trino's SQL. Those that the registry of aggregators marks are here, and no
 * others.
 */
import type { Value } from "@tidemark/core/spi";
import { decimalFraction, roundRational, typeOf } from "@tidemark/core/internal";
import { NotInSql } from "./not-in-sql.ts";
import {
  alone,
  type SqlAggregate,
  type SqlArgument,
  type SqlCall,
  type SqlColumn,
} from "./sql-aggregate.ts";
import {
  changes,
  currentStreak,
  extremeGap,
  longestStreak,
  maxSession,
  meanGap,
  meanSession,
  sessionCount,
  unitOf,
} from "./sql-sequences.ts";
import { sqlAvg, sqlSum } from "./sql-sums.ts";
import { bitsOf, normalSql, sqlValuesOf } from "./sql-values.ts";

type WriteAggregate = (call: SqlCall) => SqlAggregate;

type Present = NonNullable<Value>;
const present = ({ sql }: SqlArgument): string => `${sql} IS NOT NULL`;
const wireOf = ({ sql, spec }: SqlArgument): string => sqlValuesOf(spec).wire(sql);
const readOf = ({ spec }: SqlArgument, json: unknown): Present =>
  sqlValuesOf(spec).read(json, spec);
const readList = (x: SqlArgument, json: unknown): Present[] =>
  json === null ? [] : (json as readonly unknown[]).map((one) => readOf(x, one));

/** An extreme value. */
const extreme =
  (name: "min" | "max"): WriteAggregate =>
  ({ arguments: [x] }) =>
    alone(
      [{ sql: (f) => sqlValuesOf(x!.spec).wire(`${name}(${x!.sql}) ${f}`) }],
      ([value]) => (value === null ? null : readOf(x!, value)),
      null,
    );

/** The value of the first row in an order, of rows that have all arguments. */
const firstInOrder =
  (order: (call: SqlCall) => string): WriteAggregate =>
  (call) => {
    const x = call.arguments[0]!;
    return alone(
      [
        {
          sql: (f) => `element_at(array_agg(${wireOf(x)} ORDER BY ${order(call)}) ${f}, 1)`,
          where: call.arguments.map(present).join(" AND "),
        },
      ],
      ([value]) => (value === null ? null : readOf(x, value)),
      null,
    );
  };

/** The values of the first rows in an order, of rows that have all arguments. */
const listInOrder =
  (option: string, order: (call: SqlCall) => string): WriteAggregate =>
  (call) => {
    const x = call.arguments[0]!;
    const most = call.options[option] as number;
    const distinct = call.options["distinct"] === true;
    const all = (f: string): string => `array_agg(${wireOf(x)} ORDER BY ${order(call)}) ${f}`;
    return alone(
      [
        {
          sql: (f) => (distinct ? all(f) : `slice(${all(f)}, 1, ${most})`),
          where: call.arguments.map(present).join(" AND "),
        },
      ],
      ([values]) => {
        if (!distinct || values === null) return readList(x, values);
        // equal values have equal JSON, once −0 is 0
        const once = new Map(readList(x, values).map((value) => [identity(value), value]));
        return [...once.values()].slice(0, most);
      },
      [],
    );
  };

const identity = (value: Present): unknown => (value instanceof Uint8Array ? String(value) : value);

const oldest = ({ order }: SqlCall): string => order.oldestFirst;
const newest = ({ order }: SqlCall): string => order.newestFirst;
const byValue =
  (direction: "ASC" | "DESC") =>
  ({ arguments: [x] }: SqlCall): string =>
    `${normalSql(x!.sql, x!.spec)} ${direction}`;
/** By the second argument; of equals the newest is first. */
const bySecond =
  (direction: "ASC" | "DESC") =>
  ({ arguments: [, by], order }: SqlCall): string =>
    `${normalSql(by!.sql, by!.spec)} ${direction}, ${order.newestFirst}`;

/** The different values in their order, at most so many. */
function distinctColumn(x: SqlArgument, most: number, greatestFirst: boolean): SqlColumn {
  const sorted = (f: string): string =>
    `array_sort(array_distinct(array_agg(${normalSql(x.sql, x.spec)}) ${f}))`;
  const ordered = (f: string): string => (greatestFirst ? `reverse(${sorted(f)})` : sorted(f));
  return {
    sql: (f) =>
      `transform(slice(${ordered(f)}, 1, ${most}), one -> ${sqlValuesOf(x.spec).wire("one")})`,
    where: present(x),
  };
}

/** The greatest or the least values. */
const extremes =
  (direction: "ASC" | "DESC"): WriteAggregate =>
  (call) => {
    const x = call.arguments[0]!;
    return call.options["distinct"] === true
      ? alone(
          [distinctColumn(x, call.options["k"] as number, direction === "DESC")],
          ([values]) => readList(x, values),
          [],
        )
      : listInOrder("k", byValue(direction))(call);
  };

interface Counted {
  readonly value: Present;
  readonly rows: number;
}

/** How often each value is there, in the order of values. */
const counted =
  (answer: (values: readonly Counted[], call: SqlCall) => Value): WriteAggregate =>
  (call) => {
    const x = call.arguments[0]!;
    const { compare } = typeOf(x.spec);
    return {
      groups: [sqlValuesOf(x.spec).wire(normalSql(x.sql, x.spec))],
      columns: [],
      read(groups) {
        const values = groups
          .filter(({ keys }) => keys[0] !== null)
          .map(({ keys, rows }): Counted => ({ value: readOf(x, keys[0]), rows }))
          .sort((a, b) => compare(a.value as never, b.value as never));
        return answer(values, call);
      },
    };
  };

/** The most frequent first, of equally frequent ones the least. The sort keeps equals in order. */
const byFrequency = (values: readonly Counted[]): readonly Counted[] =>
  values.toSorted((a, b) => b.rows - a.rows);

/** The most categories of an answer. */
export const MOST_CATEGORIES = 1000;

/** Quantiles: SQL gives the two neighbouring values, and one rounding is left. */
function quantilesOf(x: SqlArgument, qs: readonly number[]): SqlAggregate {
  const sorted = (f: string): string =>
    `array_agg(${wireOf(x)} ORDER BY ${normalSql(x.sql, x.spec)} ASC) ${f}`;
  const fractions = qs.map(decimalFraction);
  if (fractions.some(([, denominator]) => denominator > 10n ** 9n))
    throw new NotInSql("a quantile of more than nine digits is not written in SQL");
  const neighbours = fractions.map(([numerator, denominator]): SqlColumn => ({
    sql: (f) => {
      const below = `((cardinality(${sorted(f)}) - 1) * ${numerator}) / ${denominator}`;
      return `slice(${sorted(f)}, ${below} + 1, 2)`;
    },
    where: present(x),
  }));
  return alone(
    [{ sql: (f) => `cardinality(${sorted(f)})`, where: present(x) }, ...neighbours],
    ([count, ...pairs]) =>
      count === null
        ? []
        : pairs.map((pair, i) => {
            const [numerator, denominator] = fractions[i]!;
            const over = (BigInt(Number(count) - 1) * numerator) % denominator;
            const [low, high = low] = readList(x, pair).map((value) => exactOf(value));
            return between(low!, high!, over, denominator, 10n ** BigInt(x.spec.scale ?? 0));
          }),
    [],
  );
}

/** The number `mantissa` · 2^`exponent`. */
interface Exact {
  readonly mantissa: bigint;
  readonly exponent: number;
}

function exactOf(value: Present): Exact {
  if (typeof value !== "number") return { mantissa: value as bigint, exponent: 0 };
  const bits = bitsOf(value);
  const biased = Number((bits >> 52n) & 2047n);
  const fraction = bits & (2n ** 52n - 1n);
  const mantissa = biased === 0 ? fraction : fraction + 2n ** 52n;
  return { mantissa: bits < 0n ? -mantissa : mantissa, exponent: Math.max(biased, 1) - 1075 };
}

/** low + (high − low) · over ÷ denominator, rounded once. Both are so many `units`. */
function between(
  low: Exact,
  high: Exact,
  over: bigint,
  denominator: bigint,
  units: bigint,
): number {
  const exponent = Math.min(low.exponent, high.exponent);
  const [a, b] = [low, high].map((one) => one.mantissa << BigInt(one.exponent - exponent));
  return roundRational(a! * denominator + over * (b! - a!), denominator * units, exponent);
}

/** The time since the newest or the oldest row. */
const timeSince =
  (name: "min" | "max"): WriteAggregate =>
  (call) =>
    alone(
      [{ sql: (f) => `${name}(${call.time}) ${f}` }],
      ([time], t) => (t - Number(time)) / unitOf(call),
      null,
    );

/** The aggregations by name. */
export const sqlAggregates: Readonly<Record<string, WriteAggregate>> = {
  count: ({ arguments: [x] }) =>
    alone(
      [{ sql: (f) => `count(*) ${f}`, ...(x === undefined ? {} : { where: present(x) }) }],
      ([rows]) => BigInt(rows as number),
      0n,
    ),
  countDistinct: ({ arguments: [x] }) =>
    alone(
      [{ sql: (f) => `count(DISTINCT ${normalSql(x!.sql, x!.spec)}) ${f}` }],
      ([values]) => BigInt(values as number),
      0n,
    ),
  sum: ({ arguments: [x] }) => sqlSum(x!.sql, x!.spec),
  avg: ({ arguments: [x] }) => sqlAvg(x!.sql, x!.spec),
  min: extreme("min"),
  max: extreme("max"),
  any: ({ arguments: [x] }) =>
    alone([{ sql: (f) => `bool_or(${x!.sql}) ${f}` }], ([is]) => is === true, false),
  all: ({ arguments: [x] }) =>
    alone([{ sql: (f) => `bool_and(${x!.sql}) ${f}` }], ([are]) => are !== false, true),
  share: ({ arguments: [x] }) =>
    alone(
      [{ sql: (f) => `count_if(${x!.sql}) ${f}` }, { sql: (f) => `count(${x!.sql}) ${f}` }],
      ([yes, known]) => (Number(known) === 0 ? null : Number(yes) / Number(known)),
      null,
    ),
  first: firstInOrder(oldest),
  last: firstInOrder(newest),
  firstN: listInOrder("n", oldest),
  lastN: listInOrder("n", newest),
  maxBy: firstInOrder(bySecond("DESC")),
  minBy: firstInOrder(bySecond("ASC")),
  topKBy: listInOrder("k", bySecond("DESC")),
  bottomKBy: listInOrder("k", bySecond("ASC")),
  topK: extremes("DESC"),
  bottomK: extremes("ASC"),
  distinctValues: ({ arguments: [x], options }) =>
    alone(
      [distinctColumn(x!, options["atMost"] as number, false)],
      ([values]) => readList(x!, values),
      [],
    ),
  mode: counted((values) => byFrequency(values)[0]?.value ?? null),
  mostFrequent: counted((values, { options }) =>
    byFrequency(values)
      .slice(0, options["k"] as number)
      .map(({ value }) => value),
  ),
  histogram: counted((values) => {
    const kept = new Set(byFrequency(values).slice(0, MOST_CATEGORIES));
    return values.filter((one) => kept.has(one)).map(({ value, rows }) => [value, BigInt(rows)]);
  }),
  quantile: ({ arguments: [x], options }) => onlyOf(quantilesOf(x!, [options["q"] as number])),
  median: ({ arguments: [x] }) => onlyOf(quantilesOf(x!, [0.5])),
  quantiles: ({ arguments: [x], options }) => quantilesOf(x!, options["q"] as readonly number[]),
  timeSinceLast: timeSince("max"),
  timeSinceFirst: timeSince("min"),
  meanGap,
  maxGap: extremeGap("array_max"),
  minGap: extremeGap("array_min"),
  sessionCount,
  meanSession,
  maxSession,
  currentStreak,
  longestStreak,
  changes,
};

/** The first element of the list that an aggregation answers; null if it has none. */
function onlyOf(list: SqlAggregate): SqlAggregate {
  return { ...list, read: (groups, t) => (list.read(groups, t) as readonly Value[])[0] ?? null };
}
