/** Where a lake's files live. A table needs no more than this of a disk or of S3. */

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** When the object was written, ms since the epoch, by the clock of the store. */
  readonly modified: number;
}

export interface ObjectOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Objects by key; a key is a path such as
 * `transactions/changes/_delta_log/00000000000000000000.json`. An object is whole or absent:
 * whoever reads it never sees half of a write.
 */
export interface ObjectStore {
  /** For messages, such as `local directory ./lake`. */
  readonly name: string;
  /** Bytes of the object; null: there is none. */
  size(key: string, options?: ObjectOptions): Promise<number | null>;
  /**
   * The bytes in [from, to), fewer where the object ends before; the whole object without a range;
   * null: there is none.
   */
  read(
    key: string,
    range?: { readonly from: number; readonly to: number },
    options?: ObjectOptions,
  ): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Writes or replaces the object, durably. */
  put(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: ObjectOptions,
  ): Promise<void>;
  /**
   * Writes the object, durably, where there is none; false: there is one, and it is untouched. Of
   * many racing calls one gets true.
   */
  createIfAbsent(key: string, content: Uint8Array, options?: ObjectOptions): Promise<boolean>;
  /**
   * The objects whose key starts with `prefix` and comes after `after`, in the order of their keys
   * (code points).
   */
  list(
    prefix: string,
    options?: ObjectOptions & { readonly after?: string | undefined },
  ): AsyncIterable<ObjectInfo>;
  /** Removes the object; there need not be one. */
  delete(key: string, options?: ObjectOptions): Promise<void>;
  /** Removes many objects with few requests, where the store can; without it they go one by one. */
  deleteAll?(keys: readonly string[], options?: ObjectOptions): Promise<void>;
}
