/** The names of a log's files. */

export function pad(version: number): string {
  return String(version).padStart(20, "0");
}

export function entryKey(table: string, version: number): string {
  return `${table}/_delta_log/${pad(version)}.json`;
}

/** Matches the name of an entry, or of a part of a checkpoint. `json` marks an entry. */
export const LOG_FILE: RegExp =
  /^(\d{20})\.(?:(json)|checkpoint\.parquet|checkpoint\.\d{10}\.(\d{10})\.parquet)$/;
