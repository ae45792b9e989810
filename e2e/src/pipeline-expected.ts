/**
 * Computes the features of a user at a time from PostgreSQL's rows: the laws in their plainest
 * form, with exact sums.
 */
import type { Value } from "@tidemark/core/spi";
import { windowAt } from "@tidemark/testkit";
import type { CheckedViewSpec } from "./pipeline-definitions.ts";
import { textOf, type TableRow } from "./pipeline-tables.ts";

type Feature = CheckedViewSpec["features"][number];

/**
 * Returns one value per feature of the view, in its order. `t` and event times are µs; a dimension
 * is read as of now.
 */
export function expectedAnswers(
  view: CheckedViewSpec,
  rows: readonly TableRow[],
  user: string,
  t: number,
): readonly Value[] {
  const { source } = view;
  const at = (name: string): number => source.columns.findIndex((column) => column.name === name);
  const own = rows
    .filter(({ values }) => values[at(view.keyColumns[0]!)] === user)
    .map(({ values }) => values);
  const { eventTime } = source;
  if (eventTime.kind === "committed") {
    if (own.length > 1)
      throw new Error(
        `${view.name}: ${user} has ${own.length} rows of a dimension, ` +
          "and the table does not say which came last",
      );
    return view.features.map((feature) =>
      own.length === 0 ? null : own[0]![at(columnOf(feature)!)]!,
    );
  }
  const timed = own.flatMap((row) => {
    const time = row[at(eventTime.column)];
    return typeof time === "number" ? [{ row, time }] : [];
  });
  return view.features.map((feature) => {
    const name = columnOf(feature);
    const column = name === null ? -1 : at(name);
    if (feature.window === null) {
      const keys = source.primaryKey.map(at);
      const newest = timed
        .filter(({ time }) => time <= t)
        .sort(
          (a, b) =>
            a.time - b.time ||
            compareKeys(
              keys.map((k) => a.row[k]!),
              keys.map((k) => b.row[k]!),
            ),
        )
        .at(-1);
      return newest === undefined ? null : newest.row[column]!;
    }
    const { from, to } = windowAt(feature.window, t);
    const inside = timed.filter(({ time }) => from <= time && time < to);
    return aggregate(
      feature,
      column < 0 ? [] : inside.map(({ row }) => row[column]!).filter((value) => value !== null),
      inside.length,
    );
  });
}

/** The column that a feature of these tables aggregates; null: it counts rows. */
function columnOf({ arguments: [input] }: Feature): string | null {
  return input?.op === "column" ? input.name : null;
}

function aggregate(
  { aggregate: name, arguments: inputs, result }: Feature,
  values: readonly Value[],
  rows: number,
): Value {
  switch (name) {
    case "count":
      return BigInt(inputs.length === 0 ? rows : values.length);
    case "countDistinct":
      return BigInt(new Set(values.map((value) => textOf(value))).size);
    case "sum":
      return result.type === "float64"
        ? exactSum(values as number[])
        : saturated(
            result.type,
            (values as bigint[]).reduce((total, value) => total + value, 0n),
          );
    case "avg": {
      if (values.length === 0) return null;
      if (typeof values[0] === "number") return exactSum(values as number[]) / values.length;
      // the decimals of these tables have two digits
      return (
        roundedQuotient(
          (values as bigint[]).reduce((total, value) => total + value, 0n),
          100n,
        ) / values.length
      );
    }
    case "min":
      return values.reduce<Value>(
        (best, value) => (best === null || value! < best ? value : best),
        null,
      );
    case "max":
      return values.reduce<Value>(
        (best, value) => (best === null || value! > best ? value : best),
        null,
      );
    default:
      throw new Error(`these tables have no feature ${name}(…) over a window`);
  }
}

/** Returns the nearest value of the type for a sum outside it (law 3: a sum saturates). */
function saturated(kind: string, total: bigint): bigint {
  const limit = kind === "int64" ? 2n ** 63n : 10n ** 38n;
  const least = kind === "int64" ? -limit : 1n - limit;
  return total >= limit ? limit - 1n : total < least ? least : total;
}

/**
 * Sums doubles as integers of the smallest power of two among them. The BigInt then becomes the
 * nearest double, half to even.
 */
function exactSum(values: readonly number[]): number {
  const parts = values.filter((value) => value !== 0).map(partsOf);
  if (parts.length === 0) return 0;
  const least = Math.min(...parts.map(({ exponent }) => exponent));
  const total = parts.reduce(
    (sum, { mantissa, exponent }) => sum + (mantissa << BigInt(exponent - least)),
    0n,
  );
  return total === 0n ? 0 : Number(total) * 2 ** least;
}

function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  let exponent = 0;
  let mantissa = value;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return { mantissa: BigInt(mantissa), exponent };
}

/** Returns the double nearest to a / b, by trying the neighbours of the float result. */
function roundedQuotient(a: bigint, b: bigint): number {
  if (a === 0n) return 0;
  // 2^80 times the quotient keeps far more digits than a double, so the cut-off rest cannot be
  // exactly half a digit
  const scaled = (a << 80n) / b;
  const sticky = (a << 80n) % b === 0n ? 0n : a < 0n ? -1n : 1n;
  return Number((scaled << 2n) + sticky) / 2 ** 82;
}

function compareKeys(a: readonly Value[], b: readonly Value[]): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    const order =
      typeof x === "string"
        ? Buffer.compare(Buffer.from(x), Buffer.from(y as string))
        : x < y
          ? -1
          : x > y
            ? 1
            : 0;
    if (order !== 0) return order;
  }
  return 0;
}
