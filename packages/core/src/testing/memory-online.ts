import { compareBytes } from "../types/order.ts";
import { TidemarkError } from "../errors.ts";
import { partitionKey } from "../rows/snapshot-generations.ts";
import type { Cell, CellWrite, OnlineStore, Position, PositionStep } from "../spi.ts";

/**
 * The data of an online store in memory.
 * Two stores that get the same data are two handles on one store.
 */
export interface MemoryOnlineData {
  readonly namespaces: Map<string, Namespace>;
  /**
   * The last version of any cell. All cells share one count, so a cell that was removed and made
   * again repeats no version.
   */
  version: number;
}

interface Namespace {
  readonly cells: Map<string, StoredCell>;
  /** Positions by source, then by generation and partition. */
  readonly positions: Map<string, Map<string, Position>>;
  /** Metadata by source, then by key. */
  readonly metadata: Map<string, Map<string, string>>;
}

interface StoredCell {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
  readonly expires: number | null;
}

/**
 * Makes empty data for `memoryOnlineStore`.
 *
 * @example
 * const data = memoryOnlineData();
 * const handles = [memoryOnlineStore(data), memoryOnlineStore(data)];
 */
export function memoryOnlineData(): MemoryOnlineData {
  return { namespaces: new Map(), version: 0 };
}

/**
 * Makes an online store in memory, for tests and first trials. Its data ends with the process.
 *
 * @example
 * const store = await openStore({ definitions, online: memoryOnlineStore() });
 */
export function memoryOnlineStore(data: MemoryOnlineData = memoryOnlineData()): OnlineStore {
  const name = "memory online store";
  let opened: { readonly namespace: string; readonly openNamespace: Namespace } | null = null;

  function kept(): Namespace {
    if (opened === null)
      throw new TidemarkError(
        "ONLINE_STORE_NOT_OPEN",
        `${name}: is not open; call open({ namespace }) first`,
      );
    return opened.openNamespace;
  }

  return {
    name,
    async open({ namespace }) {
      if (opened !== null && opened.namespace !== namespace) {
        throw new TidemarkError(
          "ONLINE_STORE_OTHER_NAMESPACE",
          `${name}: is open for namespace "${opened.namespace}"; ` +
            `make another store for "${namespace}"`,
        );
      }
      let stored = data.namespaces.get(namespace);
      if (stored === undefined)
        data.namespaces.set(
          namespace,
          (stored = { cells: new Map(), positions: new Map(), metadata: new Map() }),
        );
      opened = { namespace, openNamespace: stored };
    },
    async read(keys) {
      const { cells } = kept();
      return keys.map((key): Cell | null => {
        const cell = cells.get(keyString(key));
        return cell === undefined ? null : { value: cell.value.slice(), version: cell.version };
      });
    },
    async write({ source, cells, positions, metadata = [] }) {
      const { cells: stored, positions: bySource, metadata: metadataBySource } = kept();
      checkDistinct(
        cells.map((cell) => keyString(cell.key)),
        "key",
      );
      checkDistinct(positions.map(partitionKey), "partition");
      checkDistinct(
        metadata.map((step) => step.key),
        "metadata key",
      );
      const at = bySource.get(source) ?? new Map<string, Position>();
      if (
        !positions.every((step) => (at.get(partitionKey(step))?.offset ?? null) === step.expected)
      )
        return "conflict";
      const texts = metadataBySource.get(source) ?? new Map<string, string>();
      if (!metadata.every((step) => (texts.get(step.key) ?? null) === step.expected))
        return "conflict";
      if (!cells.every((cell) => matchesExpected(cell, stored.get(keyString(cell.key)))))
        return "conflict";
      const version = ++data.version;
      for (const { key, value, expires } of cells) {
        if (value === null) stored.delete(keyString(key));
        else
          stored.set(keyString(key), { key: key.slice(), value: value.slice(), version, expires });
      }
      for (const step of positions) at.set(partitionKey(step), positionOf(step));
      bySource.set(source, at);
      for (const { key, next } of metadata) if (next !== null) texts.set(key, next);
      metadataBySource.set(source, texts);
      return "done";
    },
    async positions(source) {
      return [...(kept().positions.get(source)?.values() ?? [])].sort((a, b) =>
        a.partition < b.partition ? -1 : 1,
      );
    },
    async metadata(source) {
      return new Map(kept().metadata.get(source));
    },
    async deleteExpired({ before, limit, cursor }) {
      const { cells } = kept();
      const rest = [...cells.values()]
        .filter((cell) => cursor === null || compareBytes(cell.key, cursor) > 0)
        .sort((a, b) => compareBytes(a.key, b.key));
      const seen = rest.slice(0, limit);
      const expired = seen.filter((cell) => cell.expires !== null && cell.expires < before);
      for (const cell of expired) cells.delete(keyString(cell.key));
      return {
        removed: expired.length,
        cursor: rest.length > limit ? seen.at(-1)!.key.slice() : null,
      };
    },
    async deleteCells({ prefix, limit }) {
      const { cells } = kept();
      const found = [...cells].filter(
        ([, { key }]) => compareBytes(key.subarray(0, prefix.length), prefix) === 0,
      );
      for (const [name] of found.slice(0, limit)) cells.delete(name);
      return {
        removed: Math.min(limit, found.length),
        cursor: found.length > limit ? prefix.slice() : null,
      };
    },
    async scan({ prefix, limit, cursor }) {
      const rest = [...kept().cells.values()]
        .filter(
          ({ key }) =>
            compareBytes(key.subarray(0, prefix.length), prefix) === 0 &&
            (cursor === null || compareBytes(key, cursor) > 0),
        )
        .sort((a, b) => compareBytes(a.key, b.key));
      const cells = rest
        .slice(0, limit)
        .map(({ key, value, version }) => ({ key: key.slice(), value: value.slice(), version }));
      return { cells, cursor: rest.length > limit ? cells.at(-1)!.key : null };
    },
    async close() {
      opened = null;
    },
  };

  function checkDistinct(places: readonly string[], what: string): void {
    if (new Set(places).size !== places.length)
      throw new TidemarkError(
        "ONLINE_STORE_TWICE",
        `${name}: one step writes a ${what} twice; merge the two writes into one`,
      );
  }
}

function matchesExpected(write: CellWrite, there: StoredCell | undefined): boolean {
  return write.expected === undefined || write.expected === (there?.version ?? null);
}

export function positionOf({
  partition,
  generation = 0,
  next,
  checkpoint,
}: PositionStep): Position {
  return {
    partition,
    ...(generation === 0 ? {} : { generation }),
    offset: next,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

function keyString(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
