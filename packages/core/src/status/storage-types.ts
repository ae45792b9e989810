/** What `store.storage` answers. Types only. */
import type { Position } from "../spi.ts";
import type { StoreTable } from "./store-tables.ts";

/** Settings of `store.storage`. */
export interface StorageOptions {
  /** Names of tables of the history. Default: all that exist. */
  readonly tables?: readonly string[] | undefined;
  /** "mask": personal keys of entities are not shown. Default: "show". */
  readonly personal?: "show" | "mask" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a table of the history takes. */
export interface TableStorage extends Pick<StoreTable, "holds" | "of"> {
  readonly table: string;
  readonly version: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** When the version was committed. */
  readonly changed: string | null;
  /** The least and the greatest time of its rows; null: they are not known. */
  readonly oldest: string | null;
  readonly newest: string | null;
  readonly positions: readonly Position[];
}

/** What the history takes. */
export interface HistoryStorage {
  /** The name of the offline store. */
  readonly store: string;
  /** The tables that exist. null: the offline store does not describe its tables. */
  readonly tables: readonly TableStorage[] | null;
}

/** An entity with many rows in the online store. */
export interface LargeEntity {
  /** The entity key by column. A value is null if it is not known. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly rows: number;
  readonly segments: number;
}

/** What the rows of a source take in the online store, under one entity key. */
export interface EntityLogStorage {
  readonly source: string;
  /** The columns of the entity key. */
  readonly keys: readonly string[];
  readonly entities: number;
  readonly rows: number;
  readonly segments: number;
  /** False: the log has more entities than the call looks at, and these numbers are of some. */
  readonly isWhole: boolean;
  /** The entities with the most rows, the largest first. */
  readonly largest: readonly LargeEntity[];
}

/** What the online store takes. */
export interface OnlineStorage {
  /** The name of the online store. */
  readonly store: string;
  /** null: the store does not count them. */
  readonly cells: number | null;
  readonly bytes: number | null;
  readonly entityLogs: readonly EntityLogStorage[];
}

/** What the stores hold. */
export interface StoreStorage {
  /** null: the store has no history. */
  readonly history: HistoryStorage | null;
  /** null: the store has no online store. */
  readonly online: OnlineStorage | null;
  /** What to do, in sentences. */
  readonly advice: readonly string[];
}
