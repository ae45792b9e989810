/** Tells an envelope from an unwrapped row. A table may have columns of the envelope's names. */
import { type JsonMembers, NULL, OBJECT } from "@tidemark/core/internal";

/** Fields that a source block has, whatever the connector. */
const BLOCK_FIELDS = ["connector", "table", "collection", "ts_ms", "ts_us", "lsn", "db", "name"];

/**
 * Says whether the payload is an envelope. `block` holds the members of `source`, if that is an
 * object.
 */
export function isEnvelope(members: JsonMembers, block: JsonMembers): boolean {
  const source = members.find("source");
  const hasBlock =
    source >= 0 &&
    members.kind(source) === OBJECT &&
    BLOCK_FIELDS.some((field) => block.find(field) >= 0);
  const op = members.find("op");
  const image = isImage(members, "after") || isImage(members, "before");
  if (members.find("__deleted") >= 0) return hasBlock && image && op >= 0 && members.isString(op);
  if (hasBlock) return true;
  // Without a source block only the two row images tell an envelope.
  return op >= 0 && members.isString(op) && image && members.length <= MOST_MEMBERS;
}

/** Members of an envelope, with room for members that a transform added. */
const MOST_MEMBERS = 12;

function isImage(members: JsonMembers, name: string): boolean {
  const i = members.find(name);
  return i >= 0 && (members.kind(i) === OBJECT || members.kind(i) === NULL);
}
