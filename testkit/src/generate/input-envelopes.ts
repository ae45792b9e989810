/** Mutations of keys, envelopes, schemas, units and encodings of a JSON value. */
import { undecodableFate, type InputFate } from "../oracle/input-fates.ts";
import type { InputMessage, InputMutation, MutationKind, ValidInput } from "./mutated-input.ts";

type Json = Record<string, unknown>;

/** `JSON.rawJSON`, which keeps every digit of a number. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** Parses JSON whose numbers keep their digits when they are written again. */
function parseExact(text: string): Json {
  const digits = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? rawJson(context!.source!) : value;
  return JSON.parse(
    text,
    digits as (this: unknown, key: string, value: unknown) => unknown,
  ) as Json;
}

interface Parsed {
  /** The whole value. */
  readonly json: Json;
  /** The envelope, or the unwrapped row. */
  readonly payload: Json;
  /** The fields of the row; null: the message has none. */
  readonly row: Json | null;
}

function parsed({ message, shape }: ValidInput): Parsed {
  const json = parseExact(message.value);
  const payload = shape === "enveloped" ? (json["payload"] as Json) : json;
  const after = shape === "unwrapped" ? payload : payload["after"];
  return { json, payload, row: typeof after === "object" ? (after as Json | null) : null };
}

type Mutated = Partial<InputMessage> & { readonly fate?: InputFate };

/** Changes the parsed value in place. `mutate` gives what else changes; null: not applicable. */
function envelopeMutation(
  kind: MutationKind,
  name: string,
  mutate: (input: ValidInput, parts: Parsed) => Mutated | null,
): InputMutation {
  return {
    kind,
    name,
    mutate(input) {
      if (input.change.undecodable !== null) return null;
      const parts = parsed(input);
      const mutated = mutate(input, parts);
      if (mutated === null) return null;
      const { fate = { kind: "taken", change: input.change }, ...changed } = mutated;
      return { message: { ...input.message, value: JSON.stringify(parts.json), ...changed }, fate };
    },
  };
}

/** The fate of a message whose key and origin can be read, and whose row cannot. */
const rowLost = (input: ValidInput, reason: string): InputFate =>
  undecodableFate({ ...input, reason, keyed: input.message.key !== null, origin: true });

const isUpsert = ({ change }: ValidInput): boolean => change.kind === "upsert";
const isDelete = ({ change, shape }: ValidInput): boolean =>
  change.kind === "delete" && shape !== "unwrapped";

/** The members of the key without its schema. */
function keyMembers({ message, shape }: ValidInput): Json {
  const key = parseExact(message.key!);
  return shape === "enveloped" ? (key["payload"] as Json) : key;
}

const lostDelete = (input: ValidInput): InputFate =>
  undecodableFate({ ...input, reason: "KEY_UNREADABLE", keyed: false, origin: true });

/** A delete has no row before, so that its key alone says which row goes. */
function deleteByKey(
  name: string,
  fate: "taken" | "told",
  keyOf: (input: ValidInput) => string | Uint8Array | null | undefined,
): InputMutation {
  return envelopeMutation("key", `delete by ${name}`, (input, { payload }) => {
    if (!isDelete(input)) return null;
    const key = keyOf(input);
    if (key === undefined) return null;
    payload["before"] = null;
    return { key, ...(fate === "taken" ? {} : { fate: lostDelete(input) }) };
  });
}

/** The row holds the key, so that the message's key may be anything. */
function keyBesideRow(name: string, keyOf: (input: ValidInput) => string | null): InputMutation {
  return envelopeMutation("key", `${name} beside a row`, (input) =>
    isUpsert(input) ? { key: keyOf(input) } : null,
  );
}

/** The optional columns of the row that hold a value and are no key and no time of the source. */
function valueColumns({ change, source }: ValidInput): number[] {
  const time =
    source.eventTime.kind === "column" ? source.eventTime.column : source.eventTime.since;
  return source.columns.flatMap((column, i) =>
    source.primaryKey.includes(column.name) ||
    column.name === time ||
    column.name === source.createdAt ||
    change.values?.[i] === null ||
    change.unavailable.includes(i)
      ? []
      : [i],
  );
}

/** The change with a column that cannot be read. */
function withoutValue({ change, source }: ValidInput, i: number, reason: string): InputFate {
  const values = change.values!.map((value, at) => (at === i ? null : value));
  const invalidColumns = [
    ...change.invalidColumns,
    { column: source.columns[i]!.name, reason },
  ].toSorted(
    (a, b) =>
      source.columns.findIndex(({ name }) => name === a.column) -
      source.columns.findIndex(({ name }) => name === b.column),
  );
  return { kind: "taken", change: { ...change, values, invalidColumns } };
}

/** The row has the column under another name, which is spelled alike. */
function renamedColumn(name: string, rename: (column: string) => string): InputMutation {
  return envelopeMutation("schema", `a column in ${name}`, (input, { row }) => {
    const { source, random } = input;
    // A schema names its columns, and a row without them is not written.
    if (!isUpsert(input) || row === null || input.shape === "enveloped") return null;
    if (source.eventTime.kind !== "column") return null;
    const columns = valueColumns(input).filter((i) => {
      const { database } = source.columns[i]!;
      return source.columns.every((other) => other.database !== rename(database));
    });
    if (columns.length === 0) return null;
    const i = random.pick(columns);
    const { database } = source.columns[i]!;
    row[rename(database)] = row[database];
    delete row[database];
    return { fate: withoutValue(input, i, "COLUMN_ABSENT") };
  });
}

/** Writes a value into a column that then cannot be read. */
function unreadableColumn(
  kind: MutationKind,
  name: string,
  types: readonly string[],
  write: (field: unknown, input: ValidInput) => unknown,
  applies: (input: ValidInput) => boolean = () => true,
): InputMutation {
  return envelopeMutation(kind, name, (input, { row }) => {
    if (!isUpsert(input) || row === null || input.source.eventTime.kind !== "column") return null;
    const columns = valueColumns(input).filter((i) =>
      types.includes(input.source.columns[i]!.type),
    );
    if (columns.length === 0 || !applies(input)) return null;
    const i = input.random.pick(columns);
    const field = input.source.columns[i]!.database;
    row[field] = write(row[field], input);
    return { fate: withoutValue(input, i, "NOT_READABLE") };
  });
}

const enveloped = ({ shape }: ValidInput): boolean => shape !== "unwrapped";

/** Mutations of JSON values. */
export const envelopeMutations: readonly InputMutation[] = [
  keyBesideRow("no key", () => null),
  keyBesideRow("a key that is no JSON", () => "{"),
  keyBesideRow("a key of another name", () => '{"other":1}'),
  keyBesideRow("a key of another type", () => "[1,2]"),
  deleteByKey("its key", "taken", ({ message }) => message.key),
  deleteByKey("a key with a schema of null", "taken", (input) =>
    JSON.stringify({ schema: null, payload: keyMembers(input) }),
  ),
  deleteByKey("a key without its schema", "taken", (input) => JSON.stringify(keyMembers(input))),
  deleteByKey("a bare scalar", "taken", (input) => {
    const members = Object.values(keyMembers(input));
    return members.length === 1 ? JSON.stringify(members[0]) : undefined;
  }),
  deleteByKey("a key with the JSON-Schema prefix", "taken", ({ message }) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), Buffer.from(message.key!, "utf8")]),
  ),
  deleteByKey("a double-encoded key", "taken", (input) =>
    JSON.stringify(JSON.stringify(keyMembers(input))),
  ),
  deleteByKey("no key", "told", () => null),
  deleteByKey("a renamed key", "told", (input) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(keyMembers(input)).map(([name, value]) => [`other_${name}`, value]),
      ),
    ),
  ),
  deleteByKey("a key of another type", "told", (input) =>
    JSON.stringify(
      Object.fromEntries(Object.keys(keyMembers(input)).map((name) => [name, { deep: [true] }])),
    ),
  ),
  deleteByKey("a bare scalar of several columns", "told", (input) =>
    Object.keys(keyMembers(input)).length > 1 ? "7" : undefined,
  ),
  deleteByKey("a key of bytes", "told", () => Buffer.from([0, 0, 0, 0, 7, 2, 0xff, 0xfe])),

  envelopeMutation("envelope", "no op", (input, { payload }) => {
    if (!enveloped(input) || input.change.kind === "truncate") return null;
    delete payload["op"];
    return { fate: rowLost(input, "OP_UNKNOWN") };
  }),
  envelopeMutation("envelope", "unknown op", (input, { payload }) => {
    if (!enveloped(input) || input.change.kind === "truncate") return null;
    payload["op"] = input.random.pick(["x", "I", "insert", ""]);
    return { fate: rowLost(input, "OP_UNKNOWN") };
  }),
  envelopeMutation("envelope", "no after", (input, { payload }) => {
    if (!enveloped(input) || !isUpsert(input)) return null;
    if (input.random.chance(0.5)) delete payload["after"];
    else payload["after"] = null;
    return { fate: rowLost(input, "ROW_MISSING") };
  }),
  envelopeMutation("envelope", "no source", (input, { payload }) => {
    if (input.shape !== "bare" || input.change.kind === "truncate") return null;
    // Without log orders, a table has one partition (law 5).
    if (!input.onePartition) return null;
    delete payload["source"];
    const { change, timestamp } = input;
    const { snapshotMarker: _, ...rest } = change;
    return {
      fate: {
        kind: "taken",
        change: {
          ...rest,
          order: null,
          committed: timestamp * 1000 + 999,
          snapshot: change.op === "r",
          transaction: null,
        },
      },
    };
  }),
  envelopeMutation("envelope", "extra members", (input, { payload }) => {
    if (!enveloped(input)) return null;
    payload["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    payload["tracingspancontext"] = { deep: [1, null, "x"] };
    return {};
  }),
  envelopeMutation("envelope", "another table", (input, { payload }) => {
    if (!enveloped(input)) return null;
    const block = payload["source"] as Json;
    payload["source"] = { ...block, table: `${String(block["table"])}_2024` };
    return {
      topic: `${input.message.topic}_2024`,
      fate: { kind: "skipped", reason: "TABLE_NOT_DECLARED" },
    };
  }),
  envelopeMutation("envelope", "a logical message", (input, { payload }) => {
    if (!enveloped(input)) return null;
    payload["source"] = { ...(payload["source"] as Json), table: "" };
    payload["op"] = "m";
    payload["message"] = { prefix: "audit", content: "aGVsbG8=" };
    delete payload["before"];
    delete payload["after"];
    return {
      topic: `${input.message.topic}.message`,
      key: '{"prefix":"audit"}',
      fate: { kind: "skipped", reason: "LOGICAL_MESSAGE" },
    };
  }),

  envelopeMutation("schema", "a schema of null", (input, { json }) => {
    if (input.shape !== "bare") return null;
    const payload = { ...json };
    for (const name of Object.keys(json)) delete json[name];
    json["schema"] = null;
    json["payload"] = payload;
    return {};
  }),
  envelopeMutation("schema", "nanoseconds", (input, { json, row }) => {
    if (input.shape !== "enveloped" || row === null || !isUpsert(input)) return null;
    const text = JSON.stringify(json["schema"]);
    const changed = text.replaceAll(
      "io.debezium.time.MicroTimestamp",
      "io.debezium.time.NanoTimestamp",
    );
    if (changed === text) return null;
    const fields = fieldsOf(JSON.parse(changed) as Json);
    for (const { field, name } of fields) {
      if (name !== "io.debezium.time.NanoTimestamp" || row[field] == null) continue;
      const micros = BigInt(String(JSON.stringify(row[field])));
      if (micros > 9_000_000_000_000_000n || micros < -9_000_000_000_000_000n) return null;
      row[field] = rawJson(String(micros * 1000n));
    }
    json["schema"] = parseExact(changed);
    return {};
  }),
  unreadableColumn("schema", "another type", ["int64", "int32", "boolean"], () => ({ deep: [] })),

  // A schema of bytes says that the text is base64.
  unreadableColumn(
    "encoding",
    "hexadecimal bytes",
    ["bytes"],
    (_, { random }) => random.pick(["deadbeef", "DEADBEEFCAFE0102", "0badf00d0badf00d"]),
    ({ shape }) => shape !== "enveloped",
  ),
  unreadableColumn("encoding", "bytes that are no base64", ["bytes"], () => "%%%%"),
  unreadableColumn("unit", "a date that is none", ["date"], () => "2025-02-30"),
  envelopeMutation("encoding", "half of a surrogate pair", (input, { row }) => {
    if (!isUpsert(input) || row === null || input.source.eventTime.kind !== "column") return null;
    const { change, source, random } = input;
    const columns = valueColumns(input).filter((i) => source.columns[i]!.type === "string");
    if (columns.length === 0) return null;
    const i = random.pick(columns);
    const half = random.pick(["\ud83d", "\udc00"]);
    row[source.columns[i]!.database] = `pay ${half}`;
    // Text without the half is written as UTF-8, so the half stands as its JSON escape.
    const text = `pay \\u${half.charCodeAt(0).toString(16)}`;
    const values = change.values!.map((value, at) => (at === i ? text : value));
    return { fate: { kind: "taken", change: { ...change, values } } };
  }),
  envelopeMutation("encoding", "bytes that are no UTF-8", (input, { json, payload }) => {
    if (!isUpsert(input)) return null;
    payload[input.shape === "unwrapped" ? "__note" : "note"] = "<bad>";
    const [before, behind] = JSON.stringify(json).split("<bad>") as [string, string];
    const value = Buffer.concat([
      Buffer.from(before, "utf8"),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(behind, "utf8"),
    ]);
    return { value, fate: rowLost(input, "VALUE_NOT_UTF8") };
  }),
  renamedColumn("another case", (name) => name.toUpperCase()),
  renamedColumn("another separator", (name) => ` ${name}`),

  envelopeMutation("unit", "an event time in milliseconds", (input, { row }) => {
    const { source, change, random } = input;
    if (input.shape === "enveloped" || row === null || !isUpsert(input)) return null;
    if (source.eventTime.kind !== "column") return null;
    const { column } = source.eventTime;
    const i = source.columns.findIndex(({ name }) => name === column);
    const micros = change.values![i];
    const field = source.columns[i]!.database;
    const written = row[field] === undefined ? "" : JSON.stringify(row[field]);
    if (typeof micros !== "number" || written !== String(micros)) return null;
    // Only a time near its commit tells that the number has another unit.
    const near = change.committed !== null && Math.abs(change.committed - micros) < 300 * 86_400e6;
    if (!near || micros < 1.2e15 || micros > 3e15) return null;
    row[field] = rawJson(String(Math.floor(micros / random.pick([1e3, 1e6, 86_400e6]))));
    return { fate: rowLost(input, "EVENT_TIMES_IN_1970") };
  }),
];

/** The fields of every row in a schema. */
function fieldsOf(schema: Json): { readonly field: string; readonly name?: string }[] {
  const images = (schema["fields"] as Json[]).filter(({ field }) => field === "after");
  return images.flatMap(({ fields }) => fields as { field: string; name?: string }[]);
}
