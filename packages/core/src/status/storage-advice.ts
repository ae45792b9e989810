/** Says what to do about what the stores hold. */
import type { StoreStorage } from "./storage-types.ts";

/** A table with as many files is worth joining if they are small. */
const MANY_FILES = 32;
/** A file is small below this size, bytes. */
const SMALL_FILE = 8 * 1024 * 1024;
/** An entity with as many rows costs much to read. */
const MANY_ROWS = 10_000;

/** Makes the advice. */
export function storageAdvice({
  history,
  online,
}: Pick<StoreStorage, "history" | "online">): readonly string[] {
  const advice: string[] = [];
  for (const { table, files, bytes } of history?.tables ?? [])
    if (files >= MANY_FILES && bytes / files < SMALL_FILE)
      advice.push(
        `table ${table} has ${files} small files: run tidemark optimize --table ${table}`,
      );
  for (const { source, keys, largest } of online?.entityLogs ?? []) {
    const hot = largest.filter(({ rows }) => rows >= MANY_ROWS);
    if (hot.length === 0) continue;
    advice.push(
      `source ${source} has entities with up to ${hot[0]!.rows} rows by ${keys.join(", ")}: ` +
        "an answer reads all rows in its window, so shorten the windows, or choose another entity",
    );
  }
  return advice;
}
