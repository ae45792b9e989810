/**
 * The state of one source in the online store: stored columns, horizon and truncates. Each source
 * has one such cell.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, FeatureSpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore, Position } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { Truncate } from "../rows/row-versions.ts";
import { entityLogName, layoutOf, type SourceLayout } from "./source-layout.ts";
import { columnsOf } from "../plan/columns-read.ts";

const FORMAT = 3;

export interface SourceState {
  readonly layout: SourceLayout;
  /**
   * Every t from the horizon on is answered, µs (law 1: every t ≥ horizon is answered). −Infinity
   * while nothing was ever deleted.
   */
  readonly horizon: number;
  readonly truncates: readonly Truncate[];
  /**
   * The positions at which a backfill in progress is complete. While this is set, the source
   * answers nothing, because its rows are incomplete.
   */
  readonly backfilling?: readonly Position[] | undefined;
  /** The cell's version; null: the cell does not exist. */
  readonly version: number | null;
}

interface StoredState {
  readonly format: number;
  readonly source: SourceFingerprint;
  readonly storedColumns: readonly string[];
  readonly entityLogs: readonly {
    readonly columns: readonly string[];
    readonly keepsAll: boolean;
  }[];
  readonly longestWindow: number;
  readonly horizon: number | null;
  readonly backfilling?: readonly Position[];
  readonly truncates: readonly {
    readonly order: string;
    readonly offset: number;
    readonly committed: number;
    readonly end?: string;
  }[];
}

/**
 * The horizon at `now` (law 1: the horizon only moves forward, with the clock). It moves in steps,
 * so that not every batch writes the state.
 */
export function horizonAt(horizon: number, now: number, retain: number): number {
  const due = now - retain;
  return Number.isFinite(retain) && due > horizon + Math.min(retain / 16, 60e6) ? due : horizon;
}

/**
 * What a definition may not change for stored rows. A change would mix other rows, keys or values
 * into them.
 */
interface SourceFingerprint {
  readonly table: string;
  readonly primaryKey: readonly string[];
  readonly eventTime: SourceSpec["eventTime"];
  readonly createdAt: string | null;
  readonly types: Readonly<Record<string, string>>;
}

export function sourceStateKey(namespace: string, source: string): Uint8Array {
  return cellKeys(namespace, `source:${source}`, [])([]);
}

/**
 * Reads the state of a source. If the store has none, the result is the state that serves `layout`
 * from the beginning.
 */
export async function readSourceState(
  store: OnlineStore,
  namespace: string,
  layout: SourceLayout,
): Promise<SourceState> {
  const [cell] = await store.read([sourceStateKey(namespace, layout.source.name)]);
  return cell == null
    ? { layout, horizon: -Infinity, truncates: [], version: null }
    : decodeSourceState(store, layout, cell);
}

export function encodeSourceState(state: Omit<SourceState, "version">): Uint8Array {
  const { layout } = state;
  const stored: StoredState = {
    format: FORMAT,
    source: sourceFingerprint(layout.source, layout.storedColumns),
    storedColumns: layout.storedColumns.map((column) => column.name),
    entityLogs: layout.entityLogs.map((entityLog) => ({
      columns: entityLog.keyColumns.map((column) => column.name),
      keepsAll: entityLog.keepsAll,
    })),
    longestWindow: layout.longestWindow,
    horizon: Number.isFinite(state.horizon) ? state.horizon : null,
    ...(state.backfilling === undefined ? {} : { backfilling: state.backfilling }),
    truncates: state.truncates.map(({ order, offset, committed, end }) => ({
      order: String(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: String(end) }),
    })),
  };
  return encodeJson(stored);
}

/** The horizon in the state of any source; −Infinity while nothing was ever deleted. */
export function horizonOf(value: Uint8Array): number {
  return (decodeJson(value) as StoredState).horizon ?? -Infinity;
}

/**
 * Decodes the state of a source.
 *
 * @throws STATE_OLDER_FORMAT when an older version of Tidemark wrote the state.
 * @throws STATE_NEWER_FORMAT when a newer version of Tidemark wrote the state.
 * @throws STATE_OF_OTHER_DEFINITION when the state was written under another definition of the
 * source.
 */
export function decodeSourceState(
  store: OnlineStore,
  layout: SourceLayout,
  cell: { readonly value: Uint8Array; readonly version: number },
): SourceState {
  const { source } = layout;
  const stored = decodeJson(cell.value) as StoredState;
  if (stored.format < FORMAT)
    throw new TidemarkError(
      "STATE_OLDER_FORMAT",
      `${store.name}: the state of source "${source.name}" has format ${stored.format}, ` +
        `this version reads ${FORMAT}: empty the online store, ` +
        "then fill it with store.backfill() or run the log again",
    );
  if (stored.format !== FORMAT) {
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `${store.name}: the state of source "${source.name}" has format ${stored.format}, ` +
        `this version reads ${FORMAT}: use the version of Tidemark that wrote it, ` +
        "or empty the online store and run the log again",
    );
  }
  const storedColumns = stored.storedColumns.flatMap((name) =>
    source.columns.filter((column) => column.name === name),
  );
  const now = JSON.stringify(sourceFingerprint(source, storedColumns));
  if (
    storedColumns.length !== stored.storedColumns.length ||
    now !== JSON.stringify(stored.source)
  ) {
    throw new TidemarkError(
      "STATE_OF_OTHER_DEFINITION",
      `${store.name}: source "${source.name}" was stored under another definition ` +
        `(${fingerprintDifference(stored.source, sourceFingerprint(source, storedColumns))}): ` +
        "empty the online store and run the log again, " +
        "or open the definitions it was written with",
    );
  }
  const storedLayout = {
    source,
    storedColumns,
    longestWindow: stored.longestWindow,
    timeIndex: layout.timeIndex,
    storedIndexes: storedColumns.map((column) => source.columns.indexOf(column)),
    entityLogs: stored.entityLogs.map(({ columns, keepsAll }) => {
      const keyColumns = columns.map((name) =>
        source.columns.find((column) => column.name === name)!,
      );
      return {
        name: JSON.stringify(columns),
        keyColumns,
        keyIndexes: keyColumns.map((column) => source.columns.indexOf(column)),
        keepsAll,
      };
    }),
  };
  return {
    layout: storedLayout,
    horizon: stored.horizon ?? -Infinity,
    backfilling: stored.backfilling,
    truncates: stored.truncates.map(({ order, offset, committed, end }) => ({
      order: BigInt(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: BigInt(end) }),
    })),
    version: cell.version,
  };
}

/** Says what the state lacks to answer a feature exactly; null: nothing. */
export function missingForFeature(
  state: SourceState,
  view: ViewSpec,
  feature: FeatureSpec,
): string | null {
  const { layout, horizon } = state;
  const entityLog = layout.entityLogs.find((one) => one.name === entityLogName(view));
  if (entityLog === undefined) return `rows by ${view.keyColumns.join(", ")}`;
  const wanted = [
    ...columnsOf(feature),
    ...(view.kind === "latest" && view.source.createdAt !== null ? [view.source.createdAt] : []),
  ];
  const column = wanted.find(
    (name) => !layout.storedColumns.some((stored) => stored.name === name),
  );
  if (column !== undefined) return `the column ${column}`;
  // nothing was ever deleted, so every window is complete
  if (horizon === -Infinity) return null;
  if (view.kind === "latest")
    return entityLog.keepsAll || layout.timeIndex < 0 ? null : "rows older than its longest window";
  return feature.window! <= layout.longestWindow ? null : "a window this long";
}

/** Widens the stored layout towards the definitions, as far as the stored rows allow. */
export function widenedLayout(state: SourceState, asked: SourceLayout): SourceLayout {
  if (state.version === null) return asked;
  if (state.horizon > -Infinity) return state.layout;
  const entityLogs = state.layout.entityLogs.map((entityLog) => ({
    ...entityLog,
    keepsAll:
      entityLog.keepsAll ||
      asked.entityLogs.some((one) => one.name === entityLog.name && one.keepsAll),
  }));
  return {
    ...state.layout,
    entityLogs,
    longestWindow: Math.max(state.layout.longestWindow, asked.longestWindow),
  };
}

/** The layout of those of the views that read the source. */
export function layoutFor(source: SourceSpec, views: readonly ViewSpec[]): SourceLayout {
  return layoutOf(
    source,
    views.filter((view) => view.source.name === source.name),
  );
}

function sourceFingerprint(
  source: SourceSpec,
  storedColumns: readonly ColumnSpec[],
): SourceFingerprint {
  const types = Object.fromEntries(storedColumns.map((column) => [column.name, typeText(column)]));
  return {
    table: source.table,
    primaryKey: source.primaryKey,
    eventTime: source.eventTime,
    createdAt: source.createdAt,
    types,
  };
}

function typeText(column: ColumnSpec): string {
  const detail =
    column.type === "decimal"
      ? `(${column.precision},${column.scale})`
      : column.type === "timestamp" && column.zone !== undefined
        ? ` in ${column.zone}`
        : "";
  return `${column.type}${detail} of ${JSON.stringify(column.database)}`;
}

function fingerprintDifference(stored: SourceFingerprint, now: SourceFingerprint): string {
  const parts = (["table", "primaryKey", "eventTime", "createdAt"] as const)
    .filter((part) => JSON.stringify(stored[part]) !== JSON.stringify(now[part]))
    .map(
      (part) => `${part} was ${JSON.stringify(stored[part])} and is ${JSON.stringify(now[part])}`,
    );
  for (const [name, kind] of Object.entries(stored.types)) {
    if (now.types[name] !== kind)
      parts.push(`column ${name} was ${kind} and is ${now.types[name] ?? "not declared"}`);
  }
  return parts.join("; ");
}
