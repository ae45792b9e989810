/** Makes the profile of a column from its state. */
import { roundRational, roundRoot } from "../statistics/rational.ts";
import { scaleFactor, varianceOf, type Moments } from "../statistics/moments.ts";
import { quantileFinish } from "../statistics/quantile-finish.ts";
import type { ColumnState } from "./column-state.ts";
import { binEdges, countsBetween } from "./histogram.ts";
import { shownValue, type Measured, type MeasuredColumn } from "./measured-column.ts";
import { PowerSums } from "./power-sums.ts";
import type {
  ColumnProfile,
  FrequentValue,
  ProfileHistogram,
  ProfileQuantiles,
} from "./profile-types.ts";

/** The most frequent values that a profile has. */
export const MOST_FREQUENT = 20;
/** Numbers with so few different values have frequent values too. */
const FEW_NUMBERS = 50;
const QUANTILES = {
  p01: 0.01,
  p05: 0.05,
  p25: 0.25,
  p50: 0.5,
  p75: 0.75,
  p95: 0.95,
  p99: 0.99,
} satisfies Record<keyof ProfileQuantiles, number>;

/** Values with their numbers of rows, in their order. */
type CountedValues = readonly { readonly value: Measured; rows: number }[];
/** The same as doubles. */
type CountedNumbers = readonly { readonly value: number; readonly rows: number }[];

const NOTHING = {
  min: null,
  max: null,
  mean: null,
  stddev: null,
  quantiles: null,
  histogram: null,
  frequent: null,
};

/**
 * Makes the profile of the column from what is known of its rows. `isHidden`: no value is shown.
 * Default: as the column says.
 */
export function columnProfile(
  state: ColumnState,
  isHidden: boolean = state.measured.isHidden,
): ColumnProfile {
  const { measured, rows, nulls } = state;
  const values = state.sorted();
  const shared = {
    column: measured.column.name,
    type: measured.column.type,
    measures: measured.measures,
    rows,
    nulls,
    nullRate: rows === 0 ? 0 : nulls / rows,
    distinct: values === null ? state.sketched().distinct() : values.length,
    isExact: values !== null,
    isHidden,
  };
  if (isHidden || rows === nulls) return { ...shared, ...NOTHING };
  return { ...shared, ...(values === null ? ofSketch(state) : ofValues(measured, values)) };
}

type Statistics = Omit<ColumnProfile, Exclude<keyof ColumnProfile, keyof typeof NOTHING>>;

function ofValues(measured: MeasuredColumn, values: CountedValues): Statistics {
  const { kind, toNumber, toExact } = measured;
  const range = { least: values[0]!.value, greatest: values.at(-1)!.value };
  if (kind === "category")
    return { ...NOTHING, ...rangeOf(measured, range), frequent: frequentOf(measured, values) };
  const sums = new PowerSums();
  for (const { value, rows } of values) sums.add(toExact(value), rows);
  const numbers = values.map(({ value, rows }) => ({ value: toNumber(value), rows }));
  return {
    ...rangeOf(measured, range),
    ...momentsOf(measured, sums.moments()),
    quantiles: quantilesOf(measured, values),
    histogram: histogramOf(measured, numbers),
    frequent:
      kind === "number" && values.length <= FEW_NUMBERS ? frequentOf(measured, values) : null,
  };
}

function ofSketch(state: ColumnState): Statistics {
  const { measured } = state;
  const { sums, bins, range } = state.sketched();
  if (range === null) return NOTHING;
  if (measured.kind === "category") return { ...NOTHING, ...rangeOf(measured, range) };
  const [least, greatest] = [measured.toNumber(range.least), measured.toNumber(range.greatest)];
  const numbers = bins
    .sorted()
    .map(({ value, rows }) => ({ value: Math.min(Math.max(value, least), greatest), rows }));
  return {
    ...rangeOf(measured, range),
    ...momentsOf(measured, sums.moments()),
    quantiles: quantilesOfBins(measured, numbers),
    histogram: histogramOf(measured, [
      { value: least, rows: 0 },
      ...numbers,
      { value: greatest, rows: 0 },
    ]),
    frequent: null,
  };
}

function rangeOf(
  measured: MeasuredColumn,
  { least, greatest }: { readonly least: Measured; readonly greatest: Measured },
): Pick<ColumnProfile, "min" | "max"> {
  return { min: shownValue(measured, least), max: shownValue(measured, greatest) };
}

/** µs in a second. */
const SECOND = 1_000_000n;

function momentsOf(
  { kind, form, shown }: MeasuredColumn,
  moments: Moments,
): Pick<ColumnProfile, "mean" | "stddev"> {
  const { n, exponent, powers } = moments;
  const mean = roundRational(powers[0]!, BigInt(n) * scaleFactor(form), exponent);
  const variance = varianceOf(moments, form, { over: "sample" });
  const unit = kind === "time" ? SECOND : 1n;
  const deviation =
    variance === null ? null : roundRoot(variance[0], variance[1] * unit * unit, variance[2]);
  return {
    mean: Number.isFinite(mean) ? shown(mean) : null,
    stddev: deviation !== null && Number.isFinite(deviation) ? deviation : null,
  };
}

function quantilesOf(measured: MeasuredColumn, sorted: CountedValues): ProfileQuantiles {
  const rows = sorted.reduce((sum, one) => sum + one.rows, 0);
  const set = {
    size: sorted.length,
    rows,
    values: () => sorted,
    sorted: () => sorted,
    compare: () => 0,
  };
  const isDate = measured.form.type === "date";
  return eachQuantile((q) => {
    const value = quantileFinish(measured.form, q)(set)!;
    return measured.shown(isDate ? measured.toNumber(value) : value);
  });
}

/** The middle of the bin that has the value of rank ⌊(n − 1)q⌋. */
function quantilesOfBins(measured: MeasuredColumn, numbers: CountedNumbers): ProfileQuantiles {
  const rows = numbers.reduce((sum, one) => sum + one.rows, 0);
  return eachQuantile((q) => {
    let left = Math.floor((rows - 1) * q);
    const found = numbers.find((one) => (left -= one.rows) < 0) ?? numbers.at(-1)!;
    return measured.shown(found.value);
  });
}

function eachQuantile(of: (q: number) => number | string): ProfileQuantiles {
  return Object.fromEntries(
    Object.entries(QUANTILES).map(([name, q]) => [name, of(q)]),
  ) as unknown as ProfileQuantiles;
}

function histogramOf({ shown }: MeasuredColumn, numbers: CountedNumbers): ProfileHistogram {
  const edges = binEdges(numbers[0]!.value, numbers.at(-1)!.value);
  return { edges: edges.map(shown), counts: countsBetween(edges, numbers) };
}

function frequentOf(measured: MeasuredColumn, values: CountedValues): readonly FrequentValue[] {
  return values
    .toSorted((a, b) => b.rows - a.rows)
    .slice(0, MOST_FREQUENT)
    .map(({ value, rows }) => ({ value: shownValue(measured, value), rows }));
}
