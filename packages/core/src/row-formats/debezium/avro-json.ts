/**
 * Reads Avro's JSON encoding, as kafka-avro-console-consumer prints it: a value of a union lies in
 * an object under the name of its type.
 */
import type { ColumnSpec } from "../../specs.ts";
import { JsonMembers, OBJECT, skipSpace, skipValue } from "./json-text.ts";

const PRIMITIVES = new Set([
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
  "array",
  "map",
]);

/** Says whether the object is a value of a union: one member under the name of its type. */
function isUnion(members: JsonMembers): boolean {
  if (members.length !== 1) return false;
  const key = members.key(0);
  return PRIMITIVES.has(key) || (key.includes(".") && members.kind(0) === OBJECT);
}

/** The members of an envelope's objects. */
interface EnvelopeObjects {
  readonly block: JsonMembers;
  readonly before: JsonMembers;
  readonly after: JsonMembers;
}

/** A quick test that Avro's JSON encoding always passes. */
export function mayBeAvroJson(
  members: JsonMembers,
  { block, before, after }: EnvelopeObjects,
): boolean {
  const snapshot = block.find("snapshot");
  if (snapshot >= 0 && block.kind(snapshot) === OBJECT) return true;
  if (after.length === 1 && after.kind(0) === OBJECT) return true;
  if (before.length === 1 && before.kind(0) === OBJECT) return true;
  const d = members.find("__deleted");
  return d >= 0 && members.kind(d) === OBJECT;
}

/** Says whether the JSON object is a record in Avro's JSON encoding. */
export function isAvroJson(members: JsonMembers): boolean {
  for (const name of ["before", "after", "source", "op", "ts_ms", "__deleted", "__op", "__lsn"]) {
    const i = members.find(name);
    if (i < 0 || members.kind(i) !== OBJECT) continue;
    const nested = membersOf(members.raw(i));
    if (isUnion(nested)) return true;
    if (name !== "source") continue;
    for (const field of ["snapshot", "lsn", "txId", "ts_us", "sequence"]) {
      const f = nested.find(field);
      if (f >= 0 && nested.kind(f) === OBJECT && isUnion(membersOf(nested.raw(f)))) return true;
    }
  }
  return false;
}

/**
 * Takes each value out of its union. Bytes, which Avro writes as one character a byte, become
 * base64, as Kafka Connect writes them. Digits of numbers are kept.
 */
export function withoutUnions(text: string): string {
  const start = skipSpace(text, 0);
  const first = text[start];
  if (first === "[") return `[${arrayItems(text, start).map(withoutUnions).join(",")}]`;
  if (first !== "{") return text;
  const members = membersOf(text.slice(start));
  if (isUnion(members)) {
    if (members.key(0) === "bytes" && members.isString(0))
      return JSON.stringify(Buffer.from(members.string(0), "latin1").toString("base64"));
    return withoutUnions(members.raw(0));
  }
  let object = "{";
  for (let i = 0; i < members.length; i++)
    object +=
      (i === 0 ? "" : ",") + `${JSON.stringify(members.key(i))}:${withoutUnions(members.raw(i))}`;
  return `${object}}`;
}

/**
 * Gives the first column whose text may be bytes or digits: only its schema would tell. In a union
 * the type is written beside it.
 */
export function unclearColumn(row: JsonMembers, columns: readonly ColumnSpec[]): string | null {
  let record = row;
  if (isUnion(row) && row.kind(0) === OBJECT) record = membersOf(row.raw(0));
  for (const { database, type } of columns) {
    if (type !== "bytes" && type !== "decimal") continue;
    const i = record.find(database);
    if (i >= 0 && record.isString(i)) return database;
  }
  return null;
}

function membersOf(text: string): JsonMembers {
  const members = new JsonMembers();
  members.scan(text, 0);
  return members;
}

function arrayItems(text: string, start: number): string[] {
  const items: string[] = [];
  let at = skipSpace(text, start + 1);
  while (text[at] !== "]") {
    const end = skipValue(text, at);
    items.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return items;
}
