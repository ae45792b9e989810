/** Measures how far data is from a reference. */
import { fromBase64 } from "../bytes/bytes-text.ts";
import { TidemarkError } from "../errors.ts";
import { flagOption, refuseUnknownOptions, type OptionNames } from "../option-checks.ts";
import { ColumnState } from "../profile/column-state.ts";
import { countTogether } from "../profile/count-together.ts";
import type { DayRange, DayRows } from "../profile/day-rows.ts";
import { daysIn, dayText, type Days } from "../profile/days.ts";
import { givenRows } from "../profile/given-rows.ts";
import { measuredColumn, type MeasuredColumn } from "../profile/measured-column.ts";
import {
  inOrder,
  namesOf,
  namesSubject,
  rangeOf,
  SUBJECT_OPTIONS,
  subjectOf,
  valuesOf,
  type ProfileContext,
} from "../profile/profile-options.ts";
import type { ProfiledRows, ProfileReference } from "../profile/profile-types.ts";
import { formatTime } from "../time/parse-time.ts";
import { columnDrift, MEASURES } from "./compare.ts";
import { driftRows, driftTable, driftTableOf } from "./drift-table.ts";
import type { DriftOptions, DriftReport, DriftThresholds } from "./drift-types.ts";
import { sharedProfiles } from "./shared-profiles.ts";

const OPTIONS: OptionNames = {
  names: new Set([...SUBJECT_OPTIONS, "reference", "thresholds", "profiles", "record"]),
  renamed: { threshold: "thresholds" },
};
const DEFAULT_THRESHOLDS: DriftThresholds = { psi: 0.2 };
/** The most different values of a column that are compared exactly. */
const MOST_COMPARED = 1_000_000;

/** One side of a comparison. */
interface Side {
  readonly columns: readonly MeasuredColumn[];
  count(columns: readonly MeasuredColumn[]): Promise<readonly ColumnState[]>;
}

/** Measures the drift, and adds the result to the table of a source or a view. */
export async function driftOf(
  options: DriftOptions,
  context: ProfileContext & { readonly clock: () => number },
): Promise<DriftReport> {
  refuseUnknownOptions("drift", options, OPTIONS);
  const thresholds = thresholdsOf(options.thresholds);
  const range = rangeOf("drift", options);
  const days = daysIn(options.zone ?? "UTC");
  const values = Math.floor(valuesOf("drift", options.memoryLimit) / 2);
  const counting: Counting = { values, signal: options.signal };
  const hasProfiles = flagOption("drift: profiles", options.profiles);
  const isRecorded = isRecordedDrift(options);
  const { of, keys, table, current, window } = await currentSide(
    options,
    { context, days, range },
    counting,
  );
  const reference = referenceSide(options, { days, window }, counting);
  const asked = namesOf("drift", of.name, current.columns, options.columns);
  const compared: MeasuredColumn[] = [];
  const notCompared: string[] = [];
  for (const column of inOrder(asked, current.columns)) {
    const { name } = column.column;
    const other = reference.columns.find((one) => one.column.name === name);
    // keys and times differ always
    if (options.columns === undefined && (keys.has(name) || column.kind === "time")) continue;
    if (other?.kind !== column.kind || other.measures !== column.measures) notCompared.push(name);
    else compared.push(column);
  }
  if (options.columns === undefined)
    for (const { column } of reference.columns)
      if (!current.columns.some((one) => one.column.name === column.name))
        notCompared.push(column.name);
  const others = compared.map(({ column }) =>
    reference.columns.find((one) => one.column.name === column.name)!,
  );
  const [before, now] = [await reference.count(others), await current.count(compared)];
  refuseEmpty(`the reference, ${reference.name},`, before);
  refuseEmpty(`${of.kind} ${of.name}`, now);
  const columns = now.map((state, i) => ({
    ...columnDrift(state, before[i]!, thresholds),
    ...(hasProfiles ? { profiles: sharedProfiles(state, before[i]!) } : {}),
  }));
  const report: DriftReport = {
    of,
    reference: reference.name,
    from: Number.isFinite(range.from) ? dayText(range.from) : null,
    to: Number.isFinite(range.to) ? dayText(range.to) : null,
    measuredAt: formatTime(context.clock()),
    thresholds,
    table: isRecorded ? table : null,
    columns,
    notCompared,
    drifted: columns.filter(({ exceeded }) => exceeded.length > 0).length,
  };
  if (report.table !== null)
    await context.offline.append(driftTable(report.table), [driftRows(report)], {
      positions: [],
      signal: options.signal,
    });
  return report;
}

/** Whether the result is added to the table of drift, and kept as the last one. */
export function isRecordedDrift({ record = true }: Pick<DriftOptions, "record">): boolean {
  return flagOption("drift: record", record);
}

/** A side without rows has no distance, and must not look as if nothing had drifted. */
function refuseEmpty(side: string, states: readonly ColumnState[]): void {
  if (states.length === 0 || states.some(({ rows }) => rows > 0)) return;
  throw new TidemarkError(
    "DRIFT_EMPTY",
    `drift: ${side} has no rows in these days, so there is nothing to compare; choose days with ` +
      "rows",
  );
}

interface Counting {
  readonly values: number;
  readonly signal: AbortSignal | undefined;
}

function sideOf(rows: DayRows, range: DayRange, { values, signal }: Counting): Side {
  const most = Math.min(MOST_COMPARED, values);
  return {
    columns: rows.columns,
    count: (columns) => countTogether({ ...rows, columns }, range, { values, most, signal }),
  };
}

/** The side whose drift is measured, and the same for another range of days. */
async function currentSide(
  options: DriftOptions,
  {
    context,
    days,
    range,
  }: { readonly context: ProfileContext; readonly days: Days; readonly range: DayRange },
  counting: Counting,
): Promise<{
  readonly of: DriftReport["of"];
  /** Columns that identify a row. */
  readonly keys: ReadonlySet<string>;
  readonly table: string | null;
  readonly current: Side;
  readonly window: (range: DayRange) => Side;
}> {
  const { rows } = options;
  if (rows !== undefined && !namesSubject(options))
    return {
      of: { kind: "rows", name: rows.name ?? "rows" },
      keys: new Set(),
      table: null,
      current: sideOf(givenRows(rows, days, range), range, counting),
      window: (other) => sideOf(givenRows(rows, days, other), other, counting),
    };
  const subject = subjectOf("drift", options, context, days);
  const opened = await subject.open(options.signal);
  return {
    of: { kind: subject.kind, name: subject.name },
    keys: new Set(subject.keys),
    table: driftTableOf(subject.table),
    current: sideOf(opened.rows, range, counting),
    window: (other) => sideOf(opened.rows, other, counting),
  };
}

function referenceSide(
  { reference }: DriftOptions,
  { days, window }: { readonly days: Days; readonly window: (range: DayRange) => Side },
  counting: Counting,
): Side & { readonly name: string } {
  const { from, to, rows, profile } = (reference ?? {}) as DriftOptions["reference"];
  const given = [from ?? to, rows, profile].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new TidemarkError(
      "DRIFT_INVALID",
      "drift: give one reference: { from, to }, { rows } or { profile }",
    );
  if (profile !== undefined) return profileSide(profile);
  if (rows !== undefined) return rowsSide(rows, days, counting);
  const range = rangeOf("drift: reference", { from, to });
  return { ...window(range), name: `${from ?? "…"} to before ${to ?? "…"}` };
}

function rowsSide(rows: ProfiledRows, days: Days, counting: Counting): Side & { name: string } {
  const all = { from: -Infinity, to: Infinity };
  return { ...sideOf(givenRows(rows, days, all), all, counting), name: rows.name ?? "rows" };
}

/** A fixed profile has states already. */
function profileSide({ format, name, columns }: ProfileReference): Side & { name: string } {
  if (format !== "tidemark-profile-1" || !Array.isArray(columns)) throw noProfile();
  const states = columns.map(stateIn);
  return {
    name: `profile ${name}`,
    columns: states.map(({ measured }) => measured),
    count: async (asked) => asked.map((one) => states.find(({ measured }) => measured === one)!),
  };
}

function stateIn(given: ProfileReference["columns"][number]): ColumnState {
  try {
    const { column, state } = given;
    return ColumnState.decode(fromBase64(state)!, measuredColumn(column, false), MOST_COMPARED);
  } catch (cause) {
    throw noProfile(cause);
  }
}

function noProfile(cause?: unknown): TidemarkError {
  return new TidemarkError(
    "DRIFT_INVALID",
    "drift: the profile is not what reference() of a profile gives; make it with " +
      "tidemark profile --out",
    { cause },
  );
}

function thresholdsOf(given: DriftThresholds | undefined): DriftThresholds {
  if (given === undefined) return DEFAULT_THRESHOLDS;
  for (const [measure, value] of Object.entries(given)) {
    if (!(MEASURES as readonly string[]).includes(measure))
      throw new TidemarkError(
        "DRIFT_INVALID",
        `drift: there is no measure "${measure}"; the thresholds are of ${MEASURES.join(", ")}`,
      );
    if (value !== undefined && !(typeof value === "number" && value >= 0))
      throw new TidemarkError(
        "DRIFT_INVALID",
        `drift: the threshold of ${measure} is ${String(value)}; write a number from 0`,
      );
  }
  return given;
}
