/** What is profiled by day and stored: the rows of a source, or the features of a view. */
import { valueAt } from "../columns/batch.ts";
import { historyContext } from "../offline/history-context.ts";
import { historyTables } from "../offline/history-tables.ts";
import { rowVersionsOf } from "../offline/row-versions-of.ts";
import { historyState, type HistoryState } from "../offline/version-events.ts";
import { MAX_CHANGED_ROWS, newChanges } from "../materialize/changed-rows.ts";
import {
  checkedDate,
  DATE,
  dateTexts,
  featuresTable,
  storedLog,
  type StoredLog,
} from "../materialize/features-table.ts";
import { hashOfText } from "../expr/text-hash.ts";
import { sensitivityOf } from "../plan/sensitivity.ts";
import { eventTimeIndex } from "../rows/row-change.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import { quarantineConditions } from "../rows/definition-differences.ts";
import type { OfflineStore } from "../spi.ts";
import { EVERY_DAY, joinedRanges } from "./day-ranges.ts";
import type { DayRange, DayRows } from "./day-rows.ts";
import { dayOfText, daysIn, type Days } from "./days.ts";
import { measuredColumn } from "./measured-column.ts";
import { sourceColumns, sourceRows } from "./source-rows.ts";

/** Something whose profiles are stored by day. */
export interface ProfileSubject {
  readonly kind: "source" | "view" | "service";
  readonly name: string;
  /** The name of the table of its profiles. */
  readonly table: string;
  readonly columns: DayRows["columns"];
  /** The first moment of a day, µs. */
  readonly startOf: (day: number) => number;
  /** The columns that identify a row. */
  readonly keys: readonly string[];
  /** A text that differs if the profiles of all days may differ. */
  readonly fingerprint: string;
  /** Opens the rows as they are now. */
  open(signal: AbortSignal | undefined): Promise<OpenedSubject>;
}

/** The rows of one moment. */
export interface OpenedSubject {
  readonly rows: DayRows;
  /** How far the rows were read, as JSON. */
  readonly checked: unknown;
  /** The days whose rows may have changed since `checked` of another time. */
  staleSince(checked: unknown): Promise<readonly DayRange[]>;
}

/** Changes whenever equal rows get other profiles. */
const FORMAT = 2;

/** A text of the columns, the zone and more, which changes whenever profiles may. */
export function subjectFingerprint(
  columns: DayRows["columns"],
  zone: string,
  more: unknown,
): string {
  const text = JSON.stringify(
    [FORMAT, zone, columns.map(({ column, isHidden }) => [column, isHidden]), more],
    (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value),
  );
  return textHash(text);
}

function textHash(text: string): string {
  const { high, low } = hashOfText(text);
  return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}

/** The rows of a source, by the days of a zone. */
export function sourceSubject(
  offline: OfflineStore,
  source: SourceSpec,
  days: Days,
): ProfileSubject {
  const context = historyContext(offline, source);
  const columns = sourceColumns(source);
  return {
    kind: "source",
    name: source.name,
    table: sourceProfiles(source),
    columns,
    startOf: days.startOf,
    keys: source.primaryKey,
    fingerprint: subjectFingerprint(columns, days.zone, [
      source.primaryKey,
      source.eventTime,
      ...quarantineConditions(source),
    ]),
    async open(signal) {
      const state = await historyState(context, signal);
      if (state === null) return noRows(columns);
      return {
        rows: sourceRows(context, state, days),
        checked: storedLog(state.log),
        staleSince: (checked) =>
          changedDays(offline, source, state, checked as StoredLog | null, days, signal),
      };
    },
  };
}

/** The name of the table with the profiles of a source. */
export function sourceProfiles(source: SourceSpec): string {
  return historyTables(source).changes.name.replace(/changes$/, "profiles");
}

/** The name of the table with the profiles of a view's features. */
export function viewProfiles(view: ViewSpec): string {
  return `${view.name}/feature_profiles`;
}

/** A subject that has no rows yet. */
export function noRows(columns: DayRows["columns"]): OpenedSubject {
  return {
    rows: { columns, async *batches() {} },
    checked: null,
    staleSince: async (checked) => (checked === null ? [] : [EVERY_DAY]),
  };
}

/** The days of all versions of the rows that changed since. */
async function changedDays(
  offline: OfflineStore,
  source: SourceSpec,
  state: HistoryState,
  checked: StoredLog | null,
  days: Days,
  signal: AbortSignal | undefined,
): Promise<readonly DayRange[]> {
  const context = historyContext(offline, source);
  if (checked === null) return [EVERY_DAY];
  const rows = await newChanges(context, state, [checkedDate(checked)], MAX_CHANGED_ROWS, signal);
  if (rows === "all") return [EVERY_DAY];
  if (rows.size === 0) return [];
  // a late change may raise from when the versions after it are known
  if (source.eventTime.kind === "committed") return [EVERY_DAY];
  const time = eventTimeIndex(source);
  const changed = new Set<number>();
  const texts = new Set(rows.keys());
  for await (const { versions } of rowVersionsOf(context, state, texts, signal))
    for (const { values } of versions) {
      const at = values?.[time] ?? null;
      if (at !== null) changed.add(days.of(at as number));
    }
  return joinedRanges([...changed].map((day) => ({ from: day, to: day })));
}

/** The features of the materialized days of a view. */
export function viewSubject(offline: OfflineStore, view: ViewSpec): ProfileSubject {
  const table = featuresTable(view);
  const columns = view.features.map((feature) => {
    const { sensitivity } = sensitivityOf({ view, feature, as: feature.name });
    const column = table.columns.find(({ name }) => name === feature.name)!;
    return measuredColumn(column, sensitivity === "pii");
  });
  return {
    kind: "view",
    name: view.name,
    table: viewProfiles(view),
    columns,
    startOf: daysIn("UTC").startOf,
    keys: [],
    fingerprint: subjectFingerprint(columns, "", null),
    async open(signal) {
      const state = await offline.state(table.name, { signal });
      if (state === null) return noRows(columns);
      const { version } = state;
      const texts = dateTexts(state.metadata);
      const dates = Object.fromEntries([...texts].map(([date, text]) => [date, textHash(text)]));
      return {
        rows: {
          columns,
          async *batches(options) {
            const { from, to } = options.days;
            const wanted = [...texts.keys()].filter((date) => {
              const day = dayOfText(date)!;
              return day >= from && day <= to;
            });
            if (wanted.length === 0) return;
            const names = options.columns.map(({ column }) => column.name);
            for await (const { length, vectors } of offline.scan(table.name, {
              columns: [...names, DATE.name],
              version,
              partitions: { [DATE.name]: wanted },
              signal: options.signal,
            })) {
              const date = vectors.at(-1)!;
              yield {
                length,
                vectors: vectors.slice(0, -1),
                days: Float64Array.from({ length }, (_, i) => dayOfText(valueAt(date, i))!),
              };
            }
          },
        },
        checked: dates,
        async staleSince(checked) {
          const before = (checked ?? {}) as Readonly<Record<string, string>>;
          const all = new Set([...Object.keys(before), ...Object.keys(dates)]);
          const changed = [...all].filter((date) => before[date] !== dates[date]);
          return joinedRanges(
            changed.map((date) => ({ from: dayOfText(date)!, to: dayOfText(date)! })),
          );
        },
      };
    },
  };
}
