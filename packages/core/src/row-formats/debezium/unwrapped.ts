/**
 * Reads rows of the `unwrap` transform (ExtractNewRecordState). They hold the columns, and the
 * members that `add.fields` added under `__`.
 */
import type { JsonMembers } from "./json-text.ts";

/** The prefix of the transform's settings in the connector. */
export const UNWRAP_TRANSFORM = "transforms.unwrap";

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

/** Says whether the transform added the member. */
export const isMeta = (key: string): boolean => key.startsWith("__") && META_MEMBERS.has(key);

/**
 * Gives the index of a field of the source block, or −1. `add.fields` may name the field `lsn` or
 * `source.lsn`. A time without the prefix is the connector's clock, and is not read.
 */
export function findMeta(members: JsonMembers, field: string): number {
  const i = members.find(`__source_${field}`);
  return i >= 0 || field.startsWith("ts_") ? i : members.find(`__${field}`);
}
