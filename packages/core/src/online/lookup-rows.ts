/** Gives stored rows the columns of dimensions, which the online store reads by primary key. */
import { lookupIn, type DimensionVersions, type Lookup } from "../asof/lookup.ts";
import { valueAt, vectorOf, type Vector } from "../columns/batch.ts";
import { keyText } from "../columns/key-bytes.ts";
import type { Overflows } from "../columns/overflows.ts";
import { expressionVector } from "../expr/bind.ts";
import { quarantineOf } from "../rows/quarantine.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import { deriveVersions, type RowVersion } from "../rows/row-versions.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { Cell, OnlineStore } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import type { EntityRequest } from "./entity-requests.ts";
import type { KnownState } from "./known-states.ts";
import type { PreparedLookup } from "./prepared-plans.ts";
import type { ReadCell } from "./stored-rows.ts";

/** The rows of a request. */
export interface RequestedRows {
  readonly request: EntityRequest;
  readonly rows: TimedRows;
}

/** The values of primary keys by their texts. */
type Keys = Map<string, readonly Value[]>;

/**
 * The rows of requests of one plan with all that they look up. Each dimension is read once, in one
 * snapshot of the store. null: the state of a dimension changed, and the plan must be made again.
 */
export async function lookedUpRows(
  store: OnlineStore,
  asked: readonly RequestedRows[],
  { t, changeCounter }: { readonly t: number; readonly changeCounter: number | null },
  overflows: Overflows,
): Promise<readonly TimedRows[] | null> {
  const { plan, current } = asked[0]!.request;
  let all = asked.map(({ rows }) => rows);
  for (const [i, lookup] of plan.lookups.entries()) {
    const keys: Keys = new Map();
    const columns = primaryKeyColumns(lookup.dimension);
    asked.forEach(({ request }, n) => {
      const { time, columns: rows } = all[n]!;
      const vectors = lookup.node.on.map(({ value }) => expressionVector(value, rows, overflows));
      // rows of other times are in no window
      const isAsked = (row: number): boolean => time[row]! >= request.notBefore && time[row]! <= t;
      addKeys(keys, columns, vectors, rows.length, isAsked);
    });
    const dimension = current.dimensions[i]!;
    const versions = await readVersions(store, lookup, dimension, keys, changeCounter);
    if (versions === null) return null;
    const lookUp: Lookup = lookupIn(lookup.node, columns, versions, overflows);
    all = all.map((rows) => ({ ...rows, columns: lookUp(rows.columns, rows.time) }));
  }
  return all;
}

/** Adds the keys of those of the rows that are asked. */
function addKeys(
  keys: Keys,
  columns: readonly ColumnSpec[],
  vectors: readonly Vector[],
  length: number,
  isAsked: (row: number) => boolean,
): void {
  const only = vectors.length === 1 ? vectors[0]! : null;
  const seen = only?.kind === "string" ? new Uint8Array(only.dictionary.length) : null;
  for (let row = 0; row < length; row++) {
    if (!isAsked(row)) continue;
    if (seen !== null && only?.kind === "string") {
      const code = only.codes[row]!;
      if (code < 0 || seen[code] === 1) continue;
      seen[code] = 1;
    }
    const values = vectors.map((vector) => valueAt(vector, row));
    if (values.includes(null)) continue;
    const text = keyText(columns, values);
    if (!keys.has(text)) keys.set(text, values);
  }
}

/** Reads the versions of the rows with these keys. null: the state of the dimension changed. */
async function readVersions(
  store: OnlineStore,
  { stateKey, columns }: PreparedLookup,
  dimension: KnownState,
  keys: Keys,
  changeCounter: number | null,
): Promise<DimensionVersions | null> {
  const { entityLogs } = dimension;
  const stored = await readStoredVersions(store, stateKey, dimension, keys, changeCounter);
  if (stored === null) return null;
  const names = new Set(columns);
  const read = entityLogs.layout.source.columns.flatMap((column, index) =>
    names.has(column.name) ? [{ column, index }] : [],
  );
  const starts = new Int32Array(keys.size + 1);
  const all: RowVersion[] = [];
  stored.forEach((versions, key) => {
    for (const version of versions) all.push(version);
    starts[key + 1] = all.length;
  });
  const numbers = new Map(Array.from(keys.keys(), (text, number) => [text, number]));
  return {
    numberOf: (text) => numbers.get(text) ?? -1,
    starts,
    from: Float64Array.from(all, ({ from }) => from),
    to: Float64Array.from(all, ({ to }) => to),
    columns: {
      length: all.length,
      columns: read.map(({ column }) => column),
      vectors: read.map(({ column, index }) =>
        vectorOf(column, all, ({ values }) => values![index]!),
      ),
    },
  };
}

/**
 * The versions of the row of each key, of one snapshot. Rows that were read at this change counter
 * are unchanged as long as the store still has it. null: the state of the dimension changed.
 */
async function readStoredVersions(
  store: OnlineStore,
  stateKey: Uint8Array,
  dimension: KnownState,
  keys: Keys,
  counter: number | null,
): Promise<readonly (readonly RowVersion[])[] | null> {
  const hasCounter = (): boolean => counter !== null && store.changeCounter!() === counter;
  // a write since the counter was read may have changed rows that were seen before
  const changeCounter = hasCounter() ? counter : null;
  const { state, entityLogs } = dimension;
  let cache = caches.get(dimension);
  if (cache === undefined) caches.set(dimension, (cache = new VersionCache()));
  const found = Array.from(keys.keys(), (text) => cache.get(text));
  const unseen = [...keys].flatMap(([text, key], i) =>
    changeCounter !== null && found[i]?.seen === changeCounter ? [] : [{ i, text, key }],
  );
  if (unseen.length > 0) {
    const cellKeys = [stateKey, ...unseen.map(({ key }) => entityLogs.rowKey(key))];
    const known = [state.version, ...unseen.map(({ i }) => found[i]?.cell ?? null)];
    const [stateCell, ...cells]: readonly ReadCell[] =
      store.readIfChanged === undefined
        ? (await store.read(cellKeys)).map((cell, c) =>
            cell?.version === known[c] ? "same" : cell,
          )
        : await store.readIfChanged(cellKeys, known);
    if (stateCell !== "same" && (stateCell !== null || state.version !== null)) return null;
    // what was seen before and what was read now may be of two snapshots
    if (changeCounter !== null && unseen.length < keys.size && !hasCounter())
      return readStoredVersions(store, stateKey, dimension, keys, null);
    unseen.forEach(({ i, text }, c) => {
      const cell = cells[c]!;
      if (cell === "same") found[i]!.seen = changeCounter;
      else {
        const versions = cell === null ? [] : versionsIn(dimension, cell);
        found[i] = { cell: cell?.version ?? null, versions, seen: changeCounter };
        cache.set(text, found[i]);
      }
    });
  }
  return found.map((one) => one!.versions);
}

/** The versions that were ever seen of a row, out of its changes. */
function versionsIn({ state, entityLogs }: KnownState, { value }: Cell): readonly RowVersion[] {
  const { source, timeIndex } = entityLogs.layout;
  return deriveVersions(source, entityLogs.codec.decode(value), state.truncates).filter(
    ({ values, ...version }) =>
      values !== null && quarantineOf(source, timeIndex, [], { ...version, values }) === null,
  );
}

/** The versions of a row, as they were when its cell had this version. */
interface CachedVersions {
  /** null: there was no such cell. */
  readonly cell: number | null;
  readonly versions: readonly RowVersion[];
  /** The change counter when the cell was last seen so; null: the counter was not read. */
  seen: number | null;
}

/** The rows of a dimension whose versions are kept in memory, at most twice as many. */
const CACHED_ROWS = 8_192;

/** Keeps the versions of the rows that were looked up last, of one state of a dimension. */
class VersionCache {
  private current = new Map<string, CachedVersions>();
  private previous = new Map<string, CachedVersions>();

  get(text: string): CachedVersions | undefined {
    const found = this.current.get(text);
    if (found !== undefined) return found;
    const before = this.previous.get(text);
    if (before !== undefined) this.set(text, before);
    return before;
  }

  set(text: string, versions: CachedVersions): void {
    if (this.current.size >= CACHED_ROWS) {
      this.previous = this.current;
      this.current = new Map();
    }
    this.current.set(text, versions);
  }
}

const caches = new WeakMap<KnownState, VersionCache>();
