/** The table of a source's or view's profiles: one row for each day and column. */
import { tableColumn } from "../columns/table-column.ts";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { MetadataStep, OfflineStore, TableSpec, TableState } from "../spi.ts";
import type { CountedColumn } from "./count-days.ts";
import type { DayRange } from "./day-rows.ts";
import { dayOfText, dayText } from "./days.ts";
import type { ColumnProfile } from "./profile-types.ts";

const DAY = "day";
/** The numbers of a profile that have a column of their own. */
const NUMBERS = ["min", "max", "mean", "stddev"] as const;
const QUANTILES = ["p01", "p05", "p25", "p50", "p75", "p95", "p99"] as const;

/**
 * `day_start` is the first moment of the day. `min_value` and the other numbers are null for texts
 * and times, which have `min_text` and `max_text`. `histogram` and `frequent` are JSON. `profile`
 * is all of it as JSON. `state` is what profiles of several days are merged of.
 */
const PROFILE_COLUMNS: readonly ColumnSpec[] = [
  tableColumn(DAY, "string", false),
  tableColumn("day_start", "timestamp"),
  tableColumn("column_name", "string", false),
  tableColumn("value_type", "string", false),
  tableColumn("measures", "string", false),
  tableColumn("row_count", "int64", false),
  tableColumn("null_count", "int64", false),
  tableColumn("null_rate", "float64", false),
  tableColumn("distinct_count", "int64", false),
  tableColumn("is_exact", "boolean", false),
  ...NUMBERS.map((name) => tableColumn(`${name}_value`, "float64")),
  tableColumn("min_text", "string"),
  tableColumn("max_text", "string"),
  ...QUANTILES.map((name) => tableColumn(name, "float64")),
  tableColumn("histogram", "string"),
  tableColumn("frequent", "string"),
  tableColumn("profile", "string", false),
  tableColumn("state", "bytes", false),
];

/** The table of profiles with this name. */
export function profileTable(name: string): TableSpec {
  return { name, columns: PROFILE_COLUMNS, partitionBy: [DAY] };
}

/** The rows of some days. `startOf` gives the first moment of a day, µs. */
export function profileRows(
  days: ReadonlyMap<number, readonly CountedColumn[]>,
  startOf: (day: number) => number,
): Batch {
  const rows: Value[][] = [];
  for (const [day, columns] of days)
    for (const { profile, state } of columns)
      rows.push([dayText(day), startOf(day), ...rowOf(profile, state)]);
  return batchOf(PROFILE_COLUMNS, rows);
}

function rowOf(profile: ColumnProfile, state: Uint8Array): Value[] {
  const { column: name, type, measures, rows, nulls, nullRate, distinct, isExact } = profile;
  const { min, max, quantiles, histogram, frequent } = profile;
  const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
  const text = (value: unknown): string | null =>
    value === null || typeof value === "number" ? null : String(value);
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  return [
    name,
    type,
    measures,
    BigInt(rows),
    BigInt(nulls),
    nullRate,
    BigInt(distinct),
    isExact,
    ...NUMBERS.map((one) => number(profile[one])),
    text(min),
    text(max),
    ...QUANTILES.map((one) => number(quantiles?.[one] ?? null)),
    json(histogram),
    json(frequent),
    JSON.stringify(profile),
    state,
  ];
}

/** The profile of a column on one day, as it is stored. */
export interface StoredProfile extends CountedColumn {
  readonly day: number;
}

/** Reads the profiles of the days of a range. */
export async function* storedProfiles(
  offline: OfflineStore,
  { table, version }: { readonly table: string; readonly version: number },
  days: readonly number[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredProfile> {
  if (days.length === 0) return;
  const options = {
    columns: [DAY, "profile", "state"],
    version,
    partitions: { [DAY]: days.map(dayText) },
    signal,
  };
  for await (const { length, vectors } of offline.scan(table, options))
    for (let i = 0; i < length; i++) {
      const [day, profile, state] = vectors.map((vector) => valueAt(vector, i));
      yield {
        day: dayOfText(day)!,
        profile: JSON.parse(profile as string) as ColumnProfile,
        state: state as Uint8Array,
      };
    }
}

/** The days that the table has rows of. */
export async function storedDays(
  offline: OfflineStore,
  table: string,
  state: TableState | null,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const days = new Set<number>();
  if (state === null) return [];
  const { version } = state;
  for await (const { length, vectors } of offline.scan(table, { columns: [DAY], version, signal }))
    for (let i = 0; i < length; i++) days.add(dayOfText(valueAt(vectors[0]!, i))!);
  return [...days].sort((a, b) => a - b);
}

/** What the table says of itself: what its days were counted of, and which days are not. */
export interface ProfileState {
  /** The definition of what is profiled, and the zone of the days. */
  readonly fingerprint: string;
  /** How far what is profiled was read: JSON of the kind of what is profiled. */
  readonly checked: unknown;
  /** The days that are yet to be counted. */
  readonly stale: readonly DayRange[];
}

/** An end of a range; null is infinite. */
type StoredRange = readonly [from: number | null, to: number | null];

const STATE = "profile";

/** Reads the state of a table of profiles; null: it has none yet. */
export function profileState(state: TableState | null): ProfileState | null {
  const text = state?.metadata.get(STATE);
  if (text === undefined) return null;
  const { fingerprint, checked, stale } = JSON.parse(text) as Omit<ProfileState, "stale"> & {
    readonly stale: readonly StoredRange[];
  };
  return {
    fingerprint,
    checked,
    stale: stale.map(([from, to]) => ({ from: from ?? -Infinity, to: to ?? Infinity })),
  };
}

/** The step of the metadata to another state. */
export function profileStep(table: TableState | null, next: ProfileState): MetadataStep {
  const finite = (day: number): number | null => (Number.isFinite(day) ? day : null);
  const stored = {
    ...next,
    stale: next.stale.map(({ from, to }): StoredRange => [finite(from), finite(to)]),
  };
  return { key: STATE, expected: table?.metadata.get(STATE) ?? null, next: JSON.stringify(stored) };
}

/** The error for a table that other writers keep changing. */
export function contended(offline: OfflineStore, table: string, attempts: number): TidemarkError {
  return new TidemarkError(
    "PROFILE_CONTENDED",
    `${offline.name}: ${attempts} attempts to write table ${table} met other writers; let one ` +
      "run at a time profile it",
    { retryable: true },
  );
}
