/** What an erasure is asked, and the receipt that it gives. */
import type { ErasedRows } from "./edit-rows.ts";

/** Progress of an erasure. */
export interface EraseProgress {
  /** What is erased now, such as `transactions/changes`. */
  readonly place: string;
  /** Places that are done, and all places. */
  readonly done: number;
  readonly total: number;
}

/** Settings of `store.erase`. */
export interface EraseOptions {
  /** The name of the entity in the definitions. */
  readonly entity: string;
  /** The values of the entity's keys, by name. Give either this or `keys`. */
  readonly key?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The keys of many entities, at most 10,000. They are erased together: each file is written anew
   * once. Give either this or `key`.
   */
  readonly keys?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /**
   * Removes the files of older table versions at once. A scan that runs meanwhile loses its files.
   * Default: they stay for the store's retention.
   */
  readonly now?: boolean | undefined;
  /** Only counts what would be removed. Default: false. */
  readonly dryRun?: boolean | undefined;
  /** Who erases, for the receipt. Default: the user of the operating system. */
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EraseProgress) => void) | undefined;
}

/** What an erasure removed from one place of the online store. */
export interface ErasedCells {
  /** `source:<name>` or `view:<name>`. */
  readonly place: string;
  readonly rows: number;
  readonly cells: number;
}

/** Says what an erasure removed. It holds no value of an entity. */
export interface ErasureReceipt {
  readonly id: string;
  readonly entity: string;
  /**
   * For each erased key a hash of the entity and its key, keyed by the receipt's id. Whoever
   * knows a key can check the receipt.
   */
  readonly keyHashes: readonly string[];
  readonly erasedAt: string;
  readonly by: string;
  /** True if the receipt only says what would be removed. */
  readonly dryRun: boolean;
  /** True if an earlier erasure of a key was begun. Its counts are not in this receipt. */
  readonly repeated: boolean;
  readonly stores: readonly { readonly role: "online" | "history"; readonly name: string }[];
  /** Tables of the history. */
  readonly tables: readonly ErasedRows[];
  /** Places of the online store. */
  readonly online: readonly ErasedCells[];
  /** Changes committed up to this time are refused from now on. */
  readonly refusedUntil: string;
  /**
   * Until when files of older table versions may still hold rows; null: they are gone, or there is
   * no history.
   */
  readonly oldVersionsUntil: string | null;
  /** False: a reader kept old pages of the online store's file. Erase again to remove them. */
  readonly isPurged: boolean;
}
