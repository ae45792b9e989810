/** Reads the drift that was measured of a source, a view or a service, newest first. */
import { timeOf } from "../define/time-input.ts";
import { countOption, refuseUnknownOptions, type OptionNames } from "../option-checks.ts";
import { daysIn } from "../profile/days.ts";
import { namesOf, subjectOf, type ProfileContext } from "../profile/profile-options.ts";
import { newestSpans } from "../scan-newest.ts";
import { formatTime } from "../time/parse-time.ts";
import { MEASURES } from "./compare.ts";
import { driftTableOf, HISTORY_COLUMNS, measureRows, type MeasureRow } from "./drift-table.ts";
import type { DriftHistoryOptions, DriftMeasure, MeasuredDrift } from "./drift-types.ts";

const OPTIONS: OptionNames = {
  names: new Set<keyof DriftHistoryOptions>([
    "source",
    "view",
    "service",
    "columns",
    "from",
    "to",
    "limit",
    "signal",
  ]),
  renamed: { column: "columns" },
};
const MOST_RESULTS = 10_000;
const DEFAULT_RESULTS = 100;

/** The measures of one column in one comparison. */
interface Comparison {
  readonly first: MeasureRow;
  readonly rows: Map<DriftMeasure, MeasureRow>;
}

/** Reads the newest results. No comparison was made: the list is empty. */
export async function driftHistory(
  options: DriftHistoryOptions,
  context: ProfileContext,
): Promise<readonly MeasuredDrift[]> {
  refuseUnknownOptions("driftHistory", options, OPTIONS);
  const { signal } = options;
  const limit = countOption("driftHistory: limit", options.limit, MOST_RESULTS) ?? DEFAULT_RESULTS;
  const from = options.from === undefined ? -Infinity : timeOf(options.from, "driftHistory: from");
  const to = options.to === undefined ? Infinity : timeOf(options.to, "driftHistory: to");
  const subject = subjectOf("driftHistory", options, context, daysIn("UTC"));
  const { columns } = options;
  const asked =
    columns === undefined ? null : namesOf("driftHistory", subject.name, subject.columns, columns);
  if (limit === 0) return [];
  let found = new Map<string, Comparison>();
  for await (const { batches, has } of newestSpans(context.offline, {
    table: driftTableOf(subject.table),
    columns: HISTORY_COLUMNS,
    timeColumn: "measured_at",
    from,
    to,
    signal,
  })) {
    for await (const batch of batches)
      for (const row of measureRows(batch)) {
        if (row.at < from || row.at >= to || !has(row.at)) continue;
        if (asked !== null && !asked.has(row.column)) continue;
        addTo(found, row);
        if (found.size > 2 * limit + 1000) found = new Map(newest(found, limit));
      }
    if (found.size >= limit) break;
  }
  return newest(found, limit).map(([, comparison]) => measured(comparison));
}

/** Adds a row to the others of its column and its comparison. */
function addTo(found: Map<string, Comparison>, row: MeasureRow): void {
  const { at, column, reference, from, to } = row;
  const key = JSON.stringify([at, column, reference, from, to]);
  const comparison = found.get(key) ?? { first: row, rows: new Map<DriftMeasure, MeasureRow>() };
  comparison.rows.set(row.measure, row);
  found.set(key, comparison);
}

function newest(
  found: ReadonlyMap<string, Comparison>,
  limit: number,
): readonly (readonly [string, Comparison])[] {
  return [...found]
    .sort(([a, { first }], [b, { first: other }]) => other.at - first.at || (a < b ? -1 : 1))
    .slice(0, limit);
}

function measured({ first, rows }: Comparison): MeasuredDrift {
  const there = MEASURES.flatMap((measure) => rows.get(measure) ?? []);
  const { column, from, to, reference, isExact, rowCount, referenceRowCount } = first;
  return {
    column,
    measuredAt: formatTime(first.at),
    from,
    to,
    reference,
    rows: rowCount,
    referenceRows: referenceRowCount,
    isExact,
    measures: Object.fromEntries(there.map(({ measure, value }) => [measure, value])),
    thresholds: Object.fromEntries(
      there.flatMap(({ measure, threshold }) => (threshold === null ? [] : [[measure, threshold]])),
    ),
    exceeded: there.flatMap(({ measure, isExceeded }) => (isExceeded ? [measure] : [])),
  };
}
