/**
 * The interface of the storage that holds a lake's files. A table needs no more than this of a disk
 * or of S3.
 */

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  /** When the object was written, in ms since the epoch by the store's clock. */
  readonly modified: number;
}

/** Settings of one call of an object store. */
export interface ObjectOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores objects by key. A key is a path such as
 * `transactions/changes/_delta_log/00000000000000000000.json`. An object is whole or absent: no
 * reader sees half of a write.
 */
export interface ObjectStore {
  /** The name in messages, such as `local directory ./lake`. */
  readonly name: string;
  /**
   * The bytes that a read may take in vain to save another read. Default: 256 KiB, as suits a
   * store behind a network.
   */
  readonly readGap?: number | undefined;
  /** Returns the number of bytes of the object; null if it does not exist. */
  size(key: string, options?: ObjectOptions): Promise<number | null>;
  /**
   * Reads the bytes in [from, to), or the whole object without a range. Fewer bytes come where the
   * object ends earlier. null if the object does not exist.
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
   * Writes the object durably if it does not exist. False: it exists and is unchanged. Of many
   * racing calls, exactly one returns true.
   */
  createIfAbsent(key: string, content: Uint8Array, options?: ObjectOptions): Promise<boolean>;
  /**
   * Lists the objects whose key starts with `prefix` and comes after `after`, in code point order
   * of the keys.
   */
  list(
    prefix: string,
    options?: ObjectOptions & { readonly after?: string | undefined },
  ): AsyncIterable<ObjectInfo>;
  /** Removes the object. The object need not exist. */
  delete(key: string, options?: ObjectOptions): Promise<void>;
  /**
   * Removes many objects with few requests. Without this method the objects are removed one by one.
   */
  deleteAll?(keys: readonly string[], options?: ObjectOptions): Promise<void>;
}
