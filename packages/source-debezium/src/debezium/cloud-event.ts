/** Reads Debezium's change out of a structured CloudEvent in JSON. */
import { JsonMembers, NULL, OBJECT } from "@tidemark/core/internal";

const PREFIX = "iodebezium";
/** Fields of the source block that the CloudEventsConverter writes as attributes. */
const TEXT_FIELDS = ["connector", "name", "db", "schema", "table", "snapshot", "sequence"];
const BINLOG_TEXT_FIELDS = ["file", "gtid"];
const NUMBER_FIELDS = ["ts_ms", "ts_us", "ts_ns", "lsn", "txId", "pos", "row"];

/**
 * Gives the text of the envelope that the CloudEvent holds, or null. `data` is the whole envelope,
 * or only `before` and `after`. The converter then writes the source block as attributes
 * `iodebezium…`.
 */
export function cloudEventEnvelope(members: JsonMembers): string | null {
  const d = members.find("data");
  if (members.find("specversion") < 0 || d < 0 || members.kind(d) !== OBJECT) return null;
  let data = membersOf(members.raw(d));
  let schema: string | null = null;
  const [s, p] = [data.find("schema"), data.find("payload")];
  if (data.length === 2 && s >= 0 && p >= 0 && data.kind(p) === OBJECT) {
    if (data.kind(s) === OBJECT) schema = data.raw(s);
    data = membersOf(data.raw(p));
  }
  if (data.find("source") >= 0 && data.find("op") >= 0) return members.raw(d);
  if (data.find("after") < 0 && data.find("before") < 0) return null;
  const attributes = new Map<string, string>();
  for (let i = 0; i < members.length; i++) {
    const key = members.key(i);
    if (key.startsWith(PREFIX) && members.kind(i) !== NULL)
      attributes.set(
        key.slice(PREFIX.length).toLowerCase(),
        members.isString(i) ? members.string(i) : members.raw(i),
      );
  }
  const op = attributes.get("op");
  if (op === undefined) return null;
  const source: string[] = [];
  for (const field of [...TEXT_FIELDS, ...BINLOG_TEXT_FIELDS]) {
    const text = attributes.get(nameOf(field));
    if (text !== undefined) source.push(`${JSON.stringify(field)}:${JSON.stringify(text)}`);
  }
  for (const field of NUMBER_FIELDS) {
    const text = attributes.get(nameOf(field));
    if (text !== undefined && /^-?\d+$/.test(text)) source.push(`${JSON.stringify(field)}:${text}`);
  }
  const envelope =
    `{"before":${rawOf(data, "before")},"after":${rawOf(data, "after")},` +
    `"source":{${source.join(",")}},"op":${JSON.stringify(op)}}`;
  return schema === null ? envelope : `{"schema":${schema},"payload":${envelope}}`;
}

/** An attribute's name has no character but letters and digits. */
function nameOf(field: string): string {
  return field.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function rawOf(members: JsonMembers, name: string): string {
  const i = members.find(name);
  return i < 0 ? "null" : members.raw(i);
}

function membersOf(text: string): JsonMembers {
  const members = new JsonMembers();
  members.scan(text, 0);
  return members;
}
