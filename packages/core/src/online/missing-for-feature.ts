/** Says what the stored rows of a source lack to answer a feature exactly. */
import { durationText } from "../define/duration.ts";
import { viewsOver } from "../define/source-readings.ts";
import {
  columnsBehind,
  columnsOfLookup,
  columnsOfRows,
  lookupsBehindFeature,
  storedColumnsOf,
} from "../plan/columns-read.ts";
import {
  columnsDifference,
  rowsDifference,
  versionsDifference,
} from "../rows/definition-differences.ts";
import type { FeatureSpec, LookupSpec, SourceSpec, ViewSpec, WindowSpec } from "../specs.ts";
import { reachOf } from "../define/window-reach.ts";
import { textOfWindow } from "../define/window-text.ts";
import { lackedByRows } from "./left-out-columns.ts";
import { tablesDifference } from "./build-tables.ts";
import { entityLogName, type SourceLayout } from "./source-layout.ts";
import { isFilled, type SourceState } from "./source-state.ts";

/**
 * Says what the state of a source lacks to answer a feature exactly, as its own source or as a
 * dimension; null: nothing, or the feature does not read the source.
 */
export function missingOfSource(
  state: SourceState,
  { name }: SourceSpec,
  view: ViewSpec,
  feature: FeatureSpec,
): string | null {
  for (const reading of viewsOver({ name }, [view])) {
    const read = reading.features.find((one) => one.name === feature.name)!;
    const own = missingForFeature(state, reading, read);
    if (own !== null) return own;
  }
  for (const lookup of lookupsBehindFeature(view, feature)) {
    const lack = lookup.dimension.name === name ? missingForLookup(state, lookup) : null;
    if (lack !== null) return lack;
  }
  return null;
}

/** Says what the state lacks to answer a feature exactly; null: nothing. */
export function missingForFeature(
  state: SourceState,
  view: ViewSpec,
  feature: FeatureSpec,
): string | null {
  const { layout, horizon } = state;
  const rows =
    rowsDifference(layout.source, view.source) ?? tablesDifference(state.tables, view.source);
  if (rows !== null) return rows;
  const entityLog = layout.entityLogs.find((one) => one.name === entityLogName(view));
  if (entityLog === undefined) return `rows by ${view.keyColumns.join(", ")}`;
  const { source } = view;
  const { eventTime } = source;
  const column = columnsDifference(layout.storedColumns, source, [
    ...storedColumnsOf(view, [...columnsBehind(source, feature), ...columnsOfRows(view)]),
    ...view.keyColumns,
    ...source.primaryKey,
    ...(eventTime.kind === "column" ? [eventTime.column] : []),
  ]);
  if (column !== null) return column;
  if (eventTime.kind === "committed") {
    const versions = versionsDifference(layout.source, source);
    if (versions !== null) return versions;
  }
  const lacked = lackedText(state, source);
  if (lacked !== null) return lacked;
  if (view.kind === "window")
    return isFilled(state, reachOf(feature.window!)) ? null : windowText(feature.window!, layout);
  return horizon === -Infinity || entityLog.keepsAll || layout.timeIndex < 0
    ? null
    : "rows older than its longest window";
}

/** Says what the state of a dimension lacks to look a column up exactly; null: nothing. */
export function missingForLookup(state: SourceState, lookup: LookupSpec): string | null {
  const { layout, tables } = state;
  const { dimension } = lookup;
  const names = columnsOfLookup(lookup);
  const lack =
    rowsDifference(layout.source, dimension) ??
    tablesDifference(tables, dimension) ??
    columnsDifference(layout.storedColumns, dimension, names) ??
    versionsDifference(layout.source, dimension) ??
    lackedText(state, dimension);
  return lack === null ? null : `${lack} of ${dimension.name}`;
}

function lackedText({ layout, lackingRows }: SourceState, source: SourceSpec): string | null {
  const lacked = lackedByRows(lackingRows, layout.source, source);
  return lacked === null
    ? null
    : `rows by a definition with${lacked.isAsked ? "" : "out"} the column ` +
        `${JSON.stringify(lacked.name)}, which the log left out of ${lacked.rows} of them`;
}

function windowText(window: WindowSpec, { longestWindow }: SourceLayout): string {
  const stored = longestWindow === 0 ? "" : ` instead of ${durationText(longestWindow)}`;
  return `a window of ${textOfWindow(window)}${stored}`;
}
