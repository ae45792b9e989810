/** The rows that a features table must hold, from the oracle: simple and slow. */
import { valueAt } from "../../src/columns/batch.ts";
import type { Value, ViewSpec } from "../../src/specs.ts";
import type { Change, OfflineStore } from "../../src/spi.ts";
import { createOracle, rowsSeen, type Oracle } from "@tidemark/testkit/oracle/oracle";
import type { Scenario } from "@tidemark/testkit/generate/scenario";
import { viewOfPart } from "@tidemark/testkit/generate/union-view";

export function shown(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "bigint"
      ? `${one}n`
      : one instanceof Uint8Array
        ? `bytes ${one.join()}`
        : Object.is(one, -0)
          ? "-0"
          : one,
  );
}

/** Every entity that a version of any row names. */
export function entitiesOf(
  oracle: Oracle,
  view: ViewSpec,
): readonly Readonly<Record<string, Value>>[] {
  const keys = new Map<string, Record<string, Value>>();
  const tables = view.parts?.map((part) => viewOfPart(view, part)) ?? [view];
  for (const table of tables) addEntities(oracle, table, keys);
  return [...keys.values()];
}

function addEntities(
  oracle: Oracle,
  view: ViewSpec,
  keys: Map<string, Record<string, Value>>,
): void {
  for (const { values } of oracle.versions(view.source.name)) {
    const key = view.keyColumns.map(
      (name) => values[view.source.columns.findIndex((column) => column.name === name)] ?? null,
    );
    if (!key.includes(null))
      keys.set(
        shown(key),
        Object.fromEntries(view.entity.keys.map(({ name }, k) => [name, key[k]!])),
      );
  }
}

/** The view's features at `time`, by key, for every entity that has a row there. */
export function expectedRows(
  oracle: Oracle,
  view: ViewSpec,
  time: number,
): ReadonlyMap<string, readonly Value[]> {
  const selected = view.features.map((feature) => ({ view, feature, as: feature.name }));
  const rows = new Map<string, readonly Value[]>();
  for (const keys of entitiesOf(oracle, view)) {
    const { view: enriched, versionsOf } = oracle.rowsOf(view);
    const seen = rowsSeen(enriched, versionsOf, { keys, time }, "corrected");
    if (!seen.some((row) => (view.kind === "latest" ? row.time <= time : row.time < time)))
      continue;
    rows.set(
      shown(Object.values(keys)),
      oracle.answer(selected, { keys, time }, "corrected").map(({ value }) => value),
    );
  }
  return rows;
}

export function oracleOfChanges(scenario: Scenario, changes: readonly Change[]): Oracle {
  return createOracle({ sources: scenario.sources, changes });
}

/** The rows of the table: by date, then by key, the time and the features. */
export async function tableRows(
  offline: OfflineStore,
  view: ViewSpec,
): Promise<
  ReadonlyMap<
    string,
    ReadonlyMap<string, { readonly time: number; readonly values: readonly Value[] }>
  >
> {
  const table = `${view.name}/features`;
  const dates = new Map<
    string,
    Map<string, { readonly time: number; readonly values: readonly Value[] }>
  >();
  if ((await offline.state(table)) === null) return dates;
  const keys = view.entity.keys.map(({ name }) => name);
  const columns = [...keys, "date", "event_timestamp", ...view.features.map(({ name }) => name)];
  for await (const { length, vectors } of offline.scan(table, { columns })) {
    for (let i = 0; i < length; i++) {
      const row = vectors.map((vector) => valueAt(vector, i));
      const date = row[keys.length] as string;
      const key = shown(row.slice(0, keys.length));
      const rows =
        dates.get(date) ??
        new Map<string, { readonly time: number; readonly values: readonly Value[] }>();
      if (rows.has(key)) throw new Error(`${table}: ${key} is there twice on ${date}`);
      dates.set(
        date,
        rows.set(key, { time: row[keys.length + 1] as number, values: row.slice(keys.length + 2) }),
      );
    }
  }
  return dates;
}
