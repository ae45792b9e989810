/** Reads the rows that explain an answer from the online store. */
import { keyText } from "../columns/key-bytes.ts";
import { valueAt } from "../columns/batch.ts";
import {
  entityLogsOf,
  QUARANTINE_COLUMNS,
  type EntityLog,
  type EntityLogs,
} from "../online/entity-logs.ts";
import { rowsFromBatch } from "../online/entity-log-cells.ts";
import { entityLogName } from "../online/source-layout.ts";
import { layoutFor, readSourceState, type SourceState } from "../online/source-state.ts";
import {
  readEntityLogs,
  timedRows,
  type EntityLogRequest,
  type StoredEntityLog,
} from "../online/stored-rows.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import { quarantineText } from "../rows/quarantine.ts";
import {
  columnIndex,
  eventTimeIndex,
  primaryKeyColumns,
  primaryKeyIndexes,
  type RowChange,
} from "../rows/row-change.ts";
import { deriveVersions, type RowVersion } from "../rows/row-versions.ts";
import type { SourceSpec, Value, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import {
  loggedVersion,
  quarantineOfVersion,
  type LoggedRow,
  type LoggedRows,
  type LoggedVersion,
  type LogPlaces,
} from "./logged-rows.ts";
import { tooManyVersions, MOST_VERSIONS } from "./too-many-versions.ts";

/** The most quarantined rows of a source that are looked at. */
const MOST_QUARANTINED = 1_000;

export interface OnlineRowsOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  /** Finds versions in the change log. null: there is no history. */
  readonly placesOf: LoggedRows["placesOf"] | null;
}

/** A source as the store holds it. */
interface HeldSource {
  readonly state: SourceState;
  readonly logs: EntityLogs;
  /** Values by the index of the columns that the definitions declare. */
  readonly declared: (values: readonly Value[]) => readonly Value[];
}

/** Reads the online store as it is now. It holds the columns that features read. */
export function onlineRows({ store, namespace, views, placesOf }: OnlineRowsOptions): LoggedRows {
  async function held(source: SourceSpec): Promise<HeldSource> {
    const state = await readSourceState(store, namespace, layoutFor(source, views));
    const there = state.layout.source.columns.map(({ name }) => name);
    const indexes = source.columns.map(({ name }) => there.indexOf(name));
    return {
      state,
      logs: entityLogsOf(namespace, state),
      declared: (values) => indexes.map((index) => values[index] ?? null),
    };
  }

  /** The changes of rows that the store keeps, by row. */
  async function changesOf(
    { logs }: HeldSource,
    keys: readonly (readonly Value[])[],
  ): Promise<readonly (readonly RowChange[])[]> {
    if (keys.length === 0) return [];
    const cells = await store.read(keys.map((key) => logs.rowKey(key)));
    return cells.map((cell) => (cell === null ? [] : logs.codec.decode(cell.value)));
  }

  async function eventRows(
    source: SourceSpec,
    from: HeldSource,
    view: ViewSpec,
    key: readonly Value[],
    cells: StoredEntityLog | null,
  ): Promise<readonly LoggedRow[]> {
    const { state, logs, declared } = from;
    const { storedIndexes, source: stored } = logs.layout;
    const log = logs.logs.find(({ layout }) => layout.name === entityLogName(view))!;
    const { columns, to } = timedRows(logs, log, key, cells, state);
    if (columns.length > MOST_VERSIONS) throw tooManyVersions(source);
    const images: (readonly Value[])[] = [];
    for (let i = 0; i < columns.length; i++) {
      // a truncate emptied the table after this row
      if (to !== null && to[i] === -Infinity) continue;
      const values = new Array<Value>(stored.columns.length).fill(null);
      storedIndexes.forEach((index, c) => {
        values[index] = valueAt(columns.vectors[c]!, i);
      });
      images.push(values);
    }
    const keyIndexes = primaryKeyIndexes(stored);
    const keys = images.map((values) => keyIndexes.map((index) => values[index]!));
    const changes = await changesOf(from, keys);
    return images.map((values, i) => {
      const newest = deriveVersions(stored, changes[i]!, state.truncates).at(-1);
      const current = { ...(newest ?? WITHOUT_CHANGES), to: Infinity };
      return loggedRow(source, keys[i]!, [loggedVersion(current, declared(values), true, null)]);
    });
  }

  /** Rows of the entity that are quarantined. */
  async function quarantinedRows(
    source: SourceSpec,
    from: HeldSource,
    view: ViewSpec,
    key: readonly Value[],
  ): Promise<readonly LoggedRow[]> {
    const { logs, state, declared } = from;
    const [cells] = await readEntityLogs(store, [requestOf(logs, logs.quarantine, [])]);
    if (cells === null || cells === "same" || cells === undefined) return [];
    const listed = [...cells.segments, cells.tail()]
      .flatMap(rowsFromBatch)
      .slice(-MOST_QUARANTINED);
    const keys = listed.map((row) => row.slice(QUARANTINE_COLUMNS));
    const changes = await changesOf(from, keys);
    const isHere = belongsTo(view, key);
    return listed.flatMap((row, i): readonly LoggedRow[] => {
      const version = deriveVersions(logs.layout.source, changes[i]!, state.truncates).at(-1);
      if (version === undefined || version.values === null) return [];
      const values = declared(version.values);
      if (!isHere(values)) return [];
      const [column, reason] = row.slice(QUARANTINE_COLUMNS - 2);
      const quarantine = quarantineText({
        column: column as string | null,
        reason: reason as string,
      });
      const current = { ...version, to: Infinity };
      return [loggedRow(source, keys[i]!, [loggedVersion(current, values, true, quarantine)])];
    });
  }

  /** All versions of a dimension's row. */
  function dimensionVersions(
    source: SourceSpec,
    { logs, state, declared }: HeldSource,
    key: readonly Value[],
    changes: readonly RowChange[],
    isHere: (values: readonly Value[]) => boolean,
  ): LoggedRow {
    const { layout } = logs;
    const versions = deriveVersions(layout.source, changes, state.truncates);
    return loggedRow(
      source,
      key,
      versions.map((version) => {
        const values = version.values === null ? null : declared(version.values);
        return loggedVersion(
          version,
          values,
          values !== null && isHere(values),
          quarantineOfVersion(layout.source, layout.timeIndex, version),
        );
      }),
    );
  }

  return {
    hasAllColumns: false,

    async rowsOf(view, keys: KeyValues) {
      const { source, entity } = view;
      const from = await held(source);
      const { logs } = from;
      const entityLog = logs.logs.find(({ layout }) => layout.name === entityLogName(view));
      if (entityLog === undefined) return [];
      const key = entity.keys.map(({ name }) => keys[name]!);
      const [cells = null] = await readEntityLogs(store, [requestOf(logs, entityLog, key)]);
      const stored = cells === "same" ? null : cells;
      if (eventTimeIndex(source) >= 0)
        return [
          ...(await eventRows(source, from, view, key, stored)),
          ...(await quarantinedRows(source, from, view, key)),
        ];
      if (stored === null) return [];
      const changes = new Map<string, { key: readonly Value[]; changes: RowChange[] }>();
      for (const row of [...stored.segments, stored.tail()].flatMap(rowsFromBatch)) {
        const own = logs.codec.keyOf(row);
        const text = keyText(primaryKeyColumns(source), own);
        const of = changes.get(text) ?? { key: own, changes: [] };
        of.changes.push(logs.codec.fromRow(row));
        changes.set(text, of);
      }
      const isHere = belongsTo(view, key);
      return [...changes.values()].map((of) =>
        dimensionVersions(source, from, of.key, of.changes, isHere),
      );
    },

    async dimensionRows(dimension, keys) {
      const from = await held(dimension);
      const changes = await changesOf(from, [...keys.values()]);
      return new Map(
        Array.from(keys, ([text, key], i) => [
          text,
          dimensionVersions(dimension, from, key, changes[i]!, () => true),
        ]),
      );
    },

    async placesOf(versions) {
      if (placesOf === null) return NO_PLACES;
      // the history may be unavailable, and the explanation is whole without it
      return placesOf(versions).catch(() => NO_PLACES);
    },
  };
}

function loggedRow(
  source: SourceSpec,
  key: readonly Value[],
  versions: readonly LoggedVersion[],
): LoggedRow {
  return { source, text: keyText(primaryKeyColumns(source), key), key, versions };
}

const NO_PLACES: LogPlaces = { origins: new Map(), ends: new Map() };

/** The request of all rows of an entity. */
function requestOf(
  entityLogs: EntityLogs,
  entityLog: EntityLog,
  key: readonly Value[],
): EntityLogRequest {
  const tailKey = entityLog.tail(key);
  return { entityLogs, entityLog, key, tailKey, known: null, notBefore: -Infinity };
}

/** Makes the function that says whether a row has the key of an entity. */
function belongsTo(
  { source, entity, keyColumns }: ViewSpec,
  key: readonly Value[],
): (values: readonly Value[]) => boolean {
  const wanted = keyText(entity.keys, key);
  const indexes = keyColumns.map((name) => columnIndex(source, name));
  return (values) =>
    keyText(
      entity.keys,
      indexes.map((index) => values[index]!),
    ) === wanted;
}

/** What stands in for a row without changes, as one of an older build has none. */
const WITHOUT_CHANGES: RowVersion = {
  from: -Infinity,
  to: Infinity,
  values: null,
  unresolved: [],
  invalidColumns: [],
  undecodable: null,
  order: 0n,
  offset: 0,
  committed: 0,
};
