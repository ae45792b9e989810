/**
 * Rows as the `unwrap` transform (ExtractNewRecordState) sends them: columns, and what `add.fields`
 * added under `__`.
 */
import type { JsonMembers } from "./json-text.ts";

const ADDED_FIELDS = [
  "deleted",
  "op",
  "lsn",
  "ts_ms",
  "ts_us",
  "ts_ns",
  "snapshot",
  "sequence",
  "schema",
  "table",
  "db",
  "txId",
  "xmin",
  "name",
  "version",
  "connector",
  "origin",
  "origin_lsn",
  "file",
  "pos",
  "row",
  "gtid",
  "server_id",
  "thread",
];
const META_MEMBERS = new Set(ADDED_FIELDS.flatMap((field) => [`__${field}`, `__source_${field}`]));

/** True for a member that the transform added. */
export const isMeta = (key: string): boolean => key.startsWith("__") && META_MEMBERS.has(key);

/**
 * The place of a field of the source block, which `add.fields` may name `ts_us` or `source.ts_us`;
 * an unprefixed time is the connector's own clock.
 */
export function findMeta(members: JsonMembers, field: string): number {
  const i = members.find(`__source_${field}`);
  return i >= 0 || field.startsWith("ts_") ? i : members.find(`__${field}`);
}
