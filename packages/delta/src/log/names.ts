/** The names of a log's files. */

export function pad(version: number): string {
  return String(version).padStart(20, "0");
}

export function entryKey(table: string, version: number): string {
  return `${table}/_delta_log/${pad(version)}.json`;
}
