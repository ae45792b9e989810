/**
 * The state of one source in the online store: stored columns, horizon and truncates. Each source
 * has one such cell.
 */
import { viewsOver } from "../define/source-readings.ts";
import { cellKeys } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore, Position } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { Truncate } from "../rows/row-versions.ts";
import { columnIndex, eventTimeIndex } from "../rows/row-change.ts";
import {
  expectationsStored,
  storedExpectations,
  type StoredExpectation,
} from "../rows/stored-expectations.ts";
import type { LackingRows } from "./left-out-columns.ts";
import { NO_TABLES, type BuildTables } from "./build-tables.ts";
import { lookedUpKeys } from "../define/looked-up-keys.ts";
import { layoutOf, type SourceLayout } from "./source-layout.ts";
import { REBUILD_STEP } from "../rebuild-step.ts";

const FORMAT = 7;
/** The format of a state with expectations that quarantine rows. */
const NEWEST_FORMAT = 8;

/** The partitions of one snapshot generation that were level with the log once. */
export interface LevelPartitions {
  readonly generation: number;
  readonly partitions: readonly string[];
}

export interface SourceState {
  /** The layout of the stored rows. `layout.source` is the definition they were stored under. */
  readonly layout: SourceLayout;
  /** The number of the build. The keys of its cells have it, so two builds share no cell. */
  readonly build: number;
  /**
   * Whether the source was level once with its log or its history. Before that, an answer would
   * lack rows. A push source is ready from the beginning.
   */
  readonly isReady: boolean;
  /**
   * The partitions of one generation that were level once, while the source is not ready. Each of
   * several runs adds its own partitions.
   */
  readonly levelPartitions?: LevelPartitions | undefined;
  /**
   * Every t from the horizon on is answered, µs (law 1: every t ≥ horizon is answered). −Infinity
   * while nothing was ever deleted.
   */
  readonly horizon: number;
  readonly truncates: readonly Truncate[];
  /** The rows that lack a column, because the log left it out (TOAST). */
  readonly lackingRows: LackingRows;
  /** The tables of the changes that the build was given. */
  readonly tables: BuildTables;
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
  readonly build: number;
  readonly ready: boolean;
  readonly levelPartitions?: LevelPartitions;
  readonly source: Omit<SourceSpec, "expectations">;
  /** Those that quarantine rows. Omitted if there are none. */
  readonly expectations?: readonly StoredExpectation[] | undefined;
  readonly storedColumns: readonly string[];
  readonly entityLogs: readonly {
    readonly columns: readonly string[];
    readonly keepsAll: boolean;
  }[];
  /** null: a window holds every row. */
  readonly longestWindow: number | null;
  readonly horizon: number | null;
  readonly backfilling?: readonly Position[];
  readonly lackingRows?: Readonly<Record<string, number>>;
  readonly tables: BuildTables;
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
 * Whether the stored rows fill a window of this reach, µs. While nothing was ever deleted, they
 * fill every window.
 */
export function isFilled({ horizon, layout }: SourceState, reach: number): boolean {
  return horizon === -Infinity || reach <= layout.longestWindow;
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
    ? emptySourceState(layout)
    : decodeSourceState(store, layout.source.name, cell);
}

/** The state of a source of which the store has nothing. */
export function emptySourceState(layout: SourceLayout): SourceState {
  return {
    layout,
    build: 0,
    isReady: layout.source.push === true,
    horizon: -Infinity,
    truncates: [],
    lackingRows: new Map(),
    tables: NO_TABLES,
    version: null,
  };
}

export function encodeSourceState(state: Omit<SourceState, "version">): Uint8Array {
  const { layout } = state;
  const { expectations: _, ...source } = layout.source;
  const expectations = storedExpectations(layout.source);
  const stored: StoredState = {
    format: expectations === undefined ? FORMAT : NEWEST_FORMAT,
    build: state.build,
    ready: state.isReady,
    ...(state.isReady || state.levelPartitions === undefined
      ? {}
      : { levelPartitions: state.levelPartitions }),
    source,
    ...(expectations === undefined ? {} : { expectations }),
    storedColumns: layout.storedColumns.map((column) => column.name),
    entityLogs: layout.entityLogs.map((entityLog) => ({
      columns: entityLog.keyColumns.map((column) => column.name),
      keepsAll: entityLog.keepsAll,
    })),
    longestWindow: Number.isFinite(layout.longestWindow) ? layout.longestWindow : null,
    horizon: Number.isFinite(state.horizon) ? state.horizon : null,
    ...(state.backfilling === undefined ? {} : { backfilling: state.backfilling }),
    ...(state.lackingRows.size === 0 ? {} : { lackingRows: Object.fromEntries(state.lackingRows) }),
    tables: state.tables,
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
 */
export function decodeSourceState(
  store: OnlineStore,
  name: string,
  cell: { readonly value: Uint8Array; readonly version: number },
): SourceState {
  const stored = decodeJson(cell.value) as StoredState;
  if (stored.format < FORMAT)
    throw new TidemarkError(
      "STATE_OLDER_FORMAT",
      `${store.name}: the state of source "${name}" has format ${stored.format}, ` +
        `this version reads ${FORMAT}: ${REBUILD_STEP}`,
    );
  if (stored.format > NEWEST_FORMAT) {
    throw new TidemarkError(
      "STATE_NEWER_FORMAT",
      `${store.name}: the state of source "${name}" has format ${stored.format}, ` +
        `this version reads ${NEWEST_FORMAT}: use the version of Tidemark that wrote it, ` +
        `or ${REBUILD_STEP}`,
    );
  }
  const expectations = expectationsStored(stored.expectations);
  const source: SourceSpec = {
    ...stored.source,
    ...(expectations === undefined ? {} : { expectations }),
  };
  const storedIndexes = stored.storedColumns.map((column) => columnIndex(source, column));
  const layout = {
    source,
    storedColumns: storedIndexes.map((index) => source.columns[index]!),
    storedIndexes,
    longestWindow: stored.longestWindow ?? Infinity,
    timeIndex: eventTimeIndex(source),
    entityLogs: stored.entityLogs.map(({ columns, keepsAll }) => {
      const keyIndexes = columns.map((column) => columnIndex(source, column));
      return {
        name: JSON.stringify(columns),
        keyColumns: keyIndexes.map((index) => source.columns[index]!),
        keyIndexes,
        keepsAll,
      };
    }),
  };
  return {
    layout,
    build: stored.build,
    isReady: stored.ready,
    levelPartitions: stored.levelPartitions,
    horizon: stored.horizon ?? -Infinity,
    backfilling: stored.backfilling,
    lackingRows: new Map(Object.entries(stored.lackingRows ?? {})),
    tables: stored.tables,
    truncates: stored.truncates.map(({ order, offset, committed, end }) => ({
      order: BigInt(order),
      offset,
      committed,
      ...(end === undefined ? {} : { end: BigInt(end) }),
    })),
    version: cell.version,
  };
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

/** The layout of those of the views that read the source, or look its rows up. */
export function layoutFor(source: SourceSpec, views: readonly ViewSpec[]): SourceLayout {
  return {
    ...layoutOf(source, viewsOver(source, views)),
    views: views.filter((view) => view.parts === undefined && view.source.name === source.name),
    lookedUpKeys: lookedUpKeys(source, views).map(({ entity, keyColumns }) => {
      const keyIndexes = keyColumns.map((name) => columnIndex(source, name));
      return {
        entities: [entity.name],
        keyIndexes,
        keyColumns: keyIndexes.map((index) => source.columns[index]!),
      };
    }),
  };
}
