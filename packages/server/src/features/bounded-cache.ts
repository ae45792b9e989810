/** A cache that is bounded by bytes: its keys come from requests, and may have any length. */

/** A cache of what requests ask for. The entry that was used last stays longest. */
export interface BoundedCache<V> {
  get(key: string): V | undefined;
  /** Adds an entry. `bytes` is about the memory of the value; the key is added to it. */
  set(key: string, value: V, bytes: number): void;
  /** The memory of all entries, about. */
  readonly bytes: number;
}

/** Makes a cache of about `maxBytes`. An entry larger than an eighth of it is not cached. */
export function boundedCache<V>(maxBytes: number): BoundedCache<V> {
  const entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  let used = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    used -= entry.bytes;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // a Map lists its keys in the order in which they were added
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, valueBytes) {
      const bytes = ENTRY_BYTES + 2 * key.length + valueBytes;
      remove(key);
      if (bytes > maxBytes / 8) return;
      for (const oldest of entries.keys()) {
        if (used + bytes <= maxBytes) break;
        remove(oldest);
      }
      entries.set(key, { value, bytes });
      used += bytes;
    },
    get bytes() {
      return used;
    },
  };
}

/** About the memory of an entry without its key and its value. */
const ENTRY_BYTES = 200;
/** About the memory of one resolved feature, with its plan and the writer of its values. */
export const FEATURE_BYTES = 1_000;
/** The size of each cache of resolved requests. */
export const CACHE_BYTES: number = 16 * 1024 * 1024;
