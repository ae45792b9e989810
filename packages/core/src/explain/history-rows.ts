/** Reads the rows that explain an answer from the history. */
import { keyText } from "../columns/key-bytes.ts";
import { vectorOf, type Batch } from "../columns/batch.ts";
import { historyContext, type HistoryContext } from "../offline/history-context.ts";
import { keyFinder, withoutKeys } from "../offline/key-filter.ts";
import { keyRangesIn, rangesOfKeys, type EntityKeyRanges } from "../offline/key-range.ts";
import { mergedVersions } from "../offline/merge-versions.ts";
import { storedVersions } from "../offline/stored-versions.ts";
import { bucketsOf, readUncompacted } from "../offline/uncompacted-log.ts";
import { historyState, type HistoryState } from "../offline/version-events.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import { columnIndex, eventTimeIndex, primaryKeyColumns } from "../rows/row-change.ts";
import { compareVersions, type RowVersion } from "../rows/row-versions.ts";
import type { ColumnSpec, SourceSpec, Value, ViewSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { findPlaces } from "./log-places.ts";
import {
  loggedVersion,
  quarantineOfVersion,
  type AskedVersion,
  type LoggedRow,
  type LoggedRows,
  type LoggedVersion,
  type LogOrigin,
  type VersionEnd,
} from "./logged-rows.ts";
import { MOST_VERSIONS, tooManyVersions } from "./too-many-versions.ts";

/** Reads the history as it is now. Each table is read at one version. */
export function historyRows(offline: OfflineStore, signal: AbortSignal | undefined): LoggedRows {
  const states = new Map<string, Promise<HistoryState | null>>();
  const stateOf = (context: HistoryContext): Promise<HistoryState | null> => {
    const { name } = context.source;
    let state = states.get(name);
    if (state === undefined) states.set(name, (state = historyState(context, signal)));
    return state;
  };

  async function read(source: SourceSpec, wanted: WantedRows): Promise<readonly LoggedRow[]> {
    const context = historyContext(offline, source);
    const state = await stateOf(context);
    return state === null ? [] : readRows(context, state, wanted, signal);
  }

  return {
    hasAllColumns: true,

    async rowsOf({ source, entity, keyColumns }: ViewSpec, keys: KeyValues) {
      const values = entity.keys.map(({ name }) => keys[name]!);
      return read(source, {
        columns: keyColumns,
        keyTypes: entity.keys,
        texts: new Set([keyText(entity.keys, values)]),
        ranges: rangesOf(entity.keys, [values]),
      });
    },

    async dimensionRows(dimension, keys) {
      if (keys.size === 0) return new Map();
      const columns = primaryKeyColumns(dimension);
      const rows = await read(dimension, {
        columns: dimension.primaryKey,
        keyTypes: columns,
        texts: new Set(keys.keys()),
        ranges: rangesOf(columns, [...keys.values()]),
      });
      return new Map(rows.map((row) => [row.text, row]));
    },

    async placesOf(versions) {
      const origins = new Map<LoggedVersion, LogOrigin>();
      const ends = new Map<LoggedVersion, VersionEnd>();
      const bySource = new Map<SourceSpec, AskedVersion[]>();
      for (const asked of versions) {
        const { source } = asked.row;
        bySource.set(source, [...(bySource.get(source) ?? []), asked]);
      }
      for (const [source, asked] of bySource) {
        const context = historyContext(offline, source);
        const state = await stateOf(context);
        if (state === null) continue;
        const found = await findPlaces(context, state.log, asked, signal);
        for (const [version, origin] of found.origins) origins.set(version, origin);
        for (const [version, end] of found.ends) ends.set(version, end);
      }
      return { origins, ends };
    },
  };
}

/** Which rows are read: those of which a version has one of these keys. */
interface WantedRows {
  /** Names of the source's columns that hold the key. */
  readonly columns: readonly string[];
  readonly keyTypes: readonly ColumnSpec[];
  readonly texts: ReadonlySet<string>;
  readonly ranges: EntityKeyRanges | undefined;
}

function rangesOf(
  columns: readonly ColumnSpec[],
  keys: readonly (readonly Value[])[],
): EntityKeyRanges | undefined {
  const vectors = columns.map((column, c) => vectorOf(column, keys, (key) => key[c]!));
  return rangesOfKeys({ length: keys.length, columns, vectors });
}

async function readRows(
  context: HistoryContext,
  state: HistoryState,
  wanted: WantedRows,
  signal: AbortSignal | undefined,
): Promise<readonly LoggedRow[]> {
  const { offline, source, tables, rows } = context;
  const indexes = wanted.columns.map((name) => columnIndex(source, name));
  const found = new Map<string, { key: readonly Value[]; versions: RowVersion[] }>();
  let count = 0;
  const add = (text: string, key: readonly Value[], version: RowVersion): void => {
    if (++count > MOST_VERSIONS) throw tooManyVersions(source);
    const known = found.get(text);
    if (known === undefined) found.set(text, { key, versions: [version] });
    else known.versions.push(version);
  };
  const isWanted = (values: readonly Value[] | null): boolean =>
    values !== null &&
    wanted.texts.has(
      keyText(
        wanted.keyTypes,
        indexes.map((index) => values[index] ?? null),
      ),
    );

  const buckets = bucketsOf(context, state.versions);
  const uncompacted = await readUncompacted(offline, source, tables, rows, {
    ...state,
    buckets,
    signal,
  });
  const columns = tables.versions.columns.map(({ name }) => name);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const tail = uncompacted.rows[bucket]!;
    const truncates = uncompacted.truncates[bucket]!;
    const addMerged = (all: Awaited<ReturnType<typeof mergedVersions>>): void => {
      const byRow = new Map<string, { key: readonly Value[]; versions: RowVersion[] }>();
      for (const { key, version } of [...all.changed, ...all.added]) {
        const text = rows.textOf(key);
        const row = byRow.get(text) ?? { key, versions: [] };
        row.versions.push(version);
        byRow.set(text, row);
      }
      for (const [text, { key, versions }] of byRow)
        if (versions.some(({ values }) => isWanted(values)))
          for (const version of versions) add(text, key, version);
    };
    if (tail.size > 0 || truncates.length > 0)
      addMerged(await mergedVersions(context, bucket, tail, truncates, { ...state, signal }));
    // a truncate changes every row, so all were merged
    if (state.versions === null || truncates.length > 0) continue;
    const find = keyFinder(context, tail, columns);
    for await (const batch of storedVersions(context, state.versions, {
      columns,
      olderBucket: bucket,
      keyRanges: keyRangesIn(context, wanted.columns, wanted.ranges),
      signal,
    })) {
      const kept: Batch = tail.size === 0 ? batch : withoutKeys(batch, [find(batch)]);
      for (let i = 0; i < kept.length; i++) {
        const version = rows.versionAt(kept, i);
        if (!isWanted(version.values)) continue;
        const key = rows.keyAt(kept, i);
        add(rows.textOf(key), key, version);
      }
    }
  }
  const time = eventTimeIndex(source);
  return Array.from(found, ([text, { key, versions }]) => ({
    source,
    text,
    key,
    versions: versions
      .sort(compareVersions)
      .map((version) =>
        loggedVersion(
          version,
          version.values,
          isWanted(version.values),
          quarantineOfVersion(source, time, version),
        ),
      ),
  }));
}
