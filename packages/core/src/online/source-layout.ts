/** Decides what the online store keeps of a source for its views: columns, keys and time range. */
import { columnsOfView, storedColumnsOf } from "../plan/columns-read.ts";
import type { EntityKey } from "../ingest/erasure-guard.ts";
import type { ColumnSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { readsAlike } from "../rows/definition-differences.ts";
import { columnIndex, eventTimeIndex } from "../rows/row-change.ts";
import { columnsOfQuarantine } from "../rows/row-expectations.ts";
import { reachOf } from "../define/window-reach.ts";

/**
 * The layout of an entity log: the rows of a source under one key. All views whose entity maps to
 * the same columns share one entity log.
 */
export interface EntityLogLayout {
  readonly name: string;
  readonly keyColumns: readonly ColumnSpec[];
  readonly keyIndexes: readonly number[];
  /** The names of the entities of these views. A stored layout does not know them. */
  readonly entities?: readonly string[] | undefined;
  /**
   * Latest views need every row, because a delete can make any row the newest. (Law 7: such rows
   * are kept.) Window views need the rows that are still in a window.
   */
  readonly keepsAll: boolean;
}

export interface SourceLayout {
  readonly source: SourceSpec;
  /**
   * The stored columns, in the source's order. A feature, a condition, a key, the time or a tie
   * reads each of them.
   */
  readonly storedColumns: readonly ColumnSpec[];
  /** The indexes of the stored columns among the source's columns. */
  readonly storedIndexes: readonly number[];
  readonly entityLogs: readonly EntityLogLayout[];
  /** Keys of entities that views look rows up by. A stored layout does not know them. */
  readonly lookedUpKeys?: readonly EntityKey[] | undefined;
  /** The views over rows of this source alone. A stored layout does not know them. */
  readonly views?: readonly ViewSpec[] | undefined;
  /** The longest reach of a window over the source, µs. Infinity: a window holds every row. */
  readonly longestWindow: number;
  /** The index of the event time among the source's columns; −1: a dimension. */
  readonly timeIndex: number;
}

/** The columns that hold the keys of entities, for the guard of erased ones. */
export function entityKeysIn({ entityLogs, lookedUpKeys = [] }: SourceLayout): EntityKey[] {
  return [...entityLogs, ...lookedUpKeys];
}

/** The same in a build, whose rows may be of another definition than `asked`, that of the views. */
export function entityKeysInBuild(
  { source, entityLogs }: SourceLayout,
  asked: SourceLayout,
): EntityKey[] {
  const lookedUp = (asked.lookedUpKeys ?? []).flatMap(({ entities, keyColumns }): EntityKey[] => {
    const keyIndexes = keyColumns.map((column) =>
      source.columns.findIndex((one) => readsAlike({ ...one, name: column.name }, column)),
    );
    return keyIndexes.includes(-1)
      ? []
      : [{ entities, keyIndexes, keyColumns: keyIndexes.map((index) => source.columns[index]!) }];
  });
  return [
    ...entityLogs.map((one) => ({
      ...one,
      entities: asked.entityLogs.find(({ name }) => name === one.name)?.entities,
    })),
    ...lookedUp,
  ];
}

/** The layout that serves these views; all views read the source. */
export function layoutOf(source: SourceSpec, views: readonly ViewSpec[]): SourceLayout {
  // any changed column begins a new version of a dimension, requested or not
  const names = new Set(
    source.eventTime.kind === "column"
      ? source.primaryKey
      : source.columns.map((column) => column.name),
  );
  if (source.eventTime.kind === "column") names.add(source.eventTime.column);
  if (source.createdAt !== null) names.add(source.createdAt);
  for (const column of columnsOfQuarantine(source)) names.add(column);
  const entityLogs = new Map<string, EntityLogLayout>();
  let longestWindow = 0;
  for (const view of views) {
    for (const column of view.keyColumns) names.add(column);
    for (const column of storedColumnsOf(view, columnsOfView(view))) names.add(column);
    for (const feature of view.features)
      if (feature.window !== null) longestWindow = Math.max(longestWindow, reachOf(feature.window));
    const name = entityLogName(view);
    const keyIndexes = view.keyColumns.map((column) => columnIndex(source, column));
    const keepsAll = view.kind === "latest" || (entityLogs.get(name)?.keepsAll ?? false);
    entityLogs.set(name, {
      name,
      entities: [...new Set([...(entityLogs.get(name)?.entities ?? []), view.entity.name])],
      keyColumns: keyIndexes.map((index) => source.columns[index]!),
      keyIndexes,
      keepsAll,
    });
  }
  const storedIndexes = source.columns.flatMap((column, index) =>
    names.has(column.name) ? [index] : [],
  );
  return {
    source,
    storedColumns: storedIndexes.map((index) => source.columns[index]!),
    storedIndexes,
    entityLogs: [...entityLogs.values()],
    longestWindow,
    timeIndex: eventTimeIndex(source),
  };
}

/** The name of the entity log that a view reads. */
export function entityLogName(view: ViewSpec): string {
  return JSON.stringify(view.keyColumns);
}
