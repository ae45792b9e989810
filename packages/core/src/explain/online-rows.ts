/** Reads the rows that explain an answer from the online store. */
import { keyText } from "../columns/key-bytes.ts";
import { valueAt } from "../columns/batch.ts";
import { entityLogsOf, QUARANTINE_COLUMNS, type EntityLogs } from "../online/entity-logs.ts";
import { rowsFromBatch } from "../online/entity-log-cells.ts";
import { entityLogName } from "../online/source-layout.ts";
import { layoutFor, readSourceState, type SourceState } from "../online/source-state.ts";
import { readEntityLogs, timedRows, type StoredEntityLog } from "../online/stored-rows.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import { quarantineOf } from "../rows/quarantine.ts";
import { eventTimeIndex, primaryKeyColumns, type RowChange } from "../rows/row-change.ts";
import { deriveVersions, type RowVersion } from "../rows/row-versions.ts";
import type { SourceSpec, Value, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import type { LoggedRow, LoggedRows, LoggedVersion, LogPlaces } from "./logged-rows.ts";
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
    const keys = images.map((values) =>
      stored.primaryKey.map(
        (name) => values[stored.columns.findIndex((one) => one.name === name)]!,
      ),
    );
    const changes = await changesOf(from, keys);
    return images.map((values, i): LoggedRow => {
      const [newest] = deriveVersions(stored, changes[i]!, state.truncates).slice(-1);
      return {
        source,
        text: keyText(primaryKeyColumns(source), keys[i]!),
        key: keys[i]!,
        versions: [
          {
            ...placeOf(newest),
            to: Infinity,
            values: declared(values),
            isHere: true,
            quarantine: null,
          },
        ],
      };
    });
  }

  /** Rows of the entity that are quarantined. */
  async function quarantinedRows(
    source: SourceSpec,
    from: HeldSource,
    { entity, keyColumns }: ViewSpec,
    key: readonly Value[],
  ): Promise<readonly LoggedRow[]> {
    const { logs, state, declared } = from;
    const tailKey = logs.quarantine.tail([]);
    const [cells] = await readEntityLogs(store, [
      {
        entityLogs: logs,
        entityLog: logs.quarantine,
        key: [],
        tailKey,
        known: null,
        notBefore: -Infinity,
      },
    ]);
    if (cells === null || cells === "same" || cells === undefined) return [];
    const listed = [...cells.segments, cells.tail()]
      .flatMap(rowsFromBatch)
      .slice(-MOST_QUARANTINED);
    const keys = listed.map((row) => row.slice(QUARANTINE_COLUMNS));
    const changes = await changesOf(from, keys);
    const wanted = keyText(entity.keys, key);
    return listed.flatMap((row, i): readonly LoggedRow[] => {
      const version = deriveVersions(logs.layout.source, changes[i]!, state.truncates).at(-1);
      if (version === undefined || version.values === null) return [];
      const values = declared(version.values);
      const own = keyColumns.map(
        (name) => values[source.columns.findIndex((column) => column.name === name)]!,
      );
      if (keyText(entity.keys, own) !== wanted) return [];
      const [column, reason] = row.slice(QUARANTINE_COLUMNS - 2) as (string | null)[];
      return [
        {
          source,
          text: keyText(primaryKeyColumns(source), keys[i]!),
          key: keys[i]!,
          versions: [
            {
              ...placeOf(version),
              to: Infinity,
              values,
              isHere: true,
              quarantine: [column, reason].filter((part) => part !== null).join(": "),
            },
          ],
        },
      ];
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
    return {
      source,
      text: keyText(primaryKeyColumns(source), key),
      key,
      versions: deriveVersions(layout.source, changes, state.truncates).map(
        (version): LoggedVersion => {
          const values = version.values === null ? null : declared(version.values);
          return {
            ...placeOf(version),
            to: version.to,
            values,
            isHere: values !== null && isHere(values),
            quarantine: faultOf(layout.source, layout.timeIndex, version),
          };
        },
      ),
    };
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
      const [cells = null] = await readEntityLogs(store, [
        {
          entityLogs: logs,
          entityLog,
          key,
          tailKey: entityLog.tail(key),
          known: null,
          notBefore: -Infinity,
        },
      ]);
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
      const wanted = keyText(entity.keys, key);
      const indexes = view.keyColumns.map((name) =>
        source.columns.findIndex((column) => column.name === name),
      );
      const isHere = (values: readonly Value[]): boolean =>
        keyText(
          entity.keys,
          indexes.map((index) => values[index]!),
        ) === wanted;
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

const NO_PLACES: LogPlaces = { origins: new Map(), ends: new Map() };

/** The times and the order of a version. A row without changes is one of an older build. */
function placeOf(
  version: RowVersion | undefined,
): Pick<LoggedVersion, "from" | "order" | "offset" | "committed"> {
  if (version === undefined) return { from: -Infinity, order: 0n, offset: 0, committed: 0 };
  const { from, order, offset, committed } = version;
  return { from, order, offset, committed };
}

function faultOf(source: SourceSpec, time: number, version: RowVersion): string | null {
  const { values } = version;
  const fault = values === null ? null : quarantineOf(source, time, [], { ...version, values });
  if (fault === null) return null;
  return [fault.column, fault.reason].filter((part) => part !== null).join(": ");
}
