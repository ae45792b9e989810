/** Mutations of a whole value: other formats, wrappers, cut and foreign bytes. */
import { gzipSync } from "node:zlib";
import { undecodableFate } from "../oracle/input-fates.ts";
import type { InputMutation, MutatedInput, MutationKind, ValidInput } from "./mutated-input.ts";
import type { Random } from "./random.ts";

const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(256)));
}

/** Bytes in Confluent's wire format: 0, an id of 4 bytes, and a record. */
function wireBytes(random: Random): Buffer {
  return Buffer.concat([
    Buffer.from([0, 0, 0, 0, random.between(1, 99), 0, 2, 2, 6]),
    utf8("c-1"),
    Buffer.from([2, 0, 0, 0, 0, 0, 0, 37, 64]),
  ]);
}

/** The value is replaced by one that cannot be read. The key stays, or goes with the value. */
function unreadable(
  kind: MutationKind,
  name: string,
  reason: string | null,
  valueOf: (input: ValidInput) => string | Uint8Array,
  {
    key = "kept",
    headers = {},
  }: { readonly key?: "kept" | "gone" | "bytes"; readonly headers?: Record<string, string> } = {},
): InputMutation {
  return {
    kind,
    name,
    mutate(input) {
      const { message, change, random } = input;
      if (change.kind === "truncate" && key === "kept") return null;
      const keyed = key === "kept" && message.key !== null;
      return {
        message: {
          ...message,
          key: key === "kept" ? message.key : key === "gone" ? null : wireBytes(random),
          value: valueOf(input),
          headers: { ...message.headers, ...headers },
        },
        fate: undecodableFate({
          ...input,
          reason: keyed || (reason?.startsWith("FORMAT_") ?? false) ? reason : null,
          keyed,
          origin: false,
        }),
      };
    },
  };
}

/** The value is written in another way that can be read. */
function readable(
  kind: MutationKind,
  name: string,
  valueOf: (input: ValidInput) => string | Uint8Array | null,
): InputMutation {
  return {
    kind,
    name,
    mutate(input): MutatedInput | null {
      const value = valueOf(input);
      if (value === null || input.change.undecodable !== null) return null;
      return {
        message: { ...input.message, value },
        fate: { kind: "taken", change: input.change },
      };
    },
  };
}

/** The message becomes one that holds no row of a source. */
function rowless(
  name: string,
  reason: string,
  valueOf: (input: ValidInput) => string,
): InputMutation {
  return {
    kind: "format",
    name,
    mutate: (input) => ({
      message: { ...input.message, key: null, value: valueOf(input) },
      fate: { kind: "skipped", reason },
    }),
  };
}

const json = (value: unknown): string => JSON.stringify(value);
const MAXWELL = json({
  database: "bank",
  table: "payments",
  type: "insert",
  ts: 1_749_114_000,
  xid: 7,
  data: { id: 1 },
});
const CANAL = json({
  data: [{ id: "1" }],
  database: "bank",
  isDdl: false,
  table: "payments",
  ts: 1,
  type: "INSERT",
});

/** Mutations of whole values. */
export const binaryMutations: readonly InputMutation[] = [
  unreadable("format", "Avro bytes", null, ({ random }) => wireBytes(random), { key: "bytes" }),
  unreadable("format", "Avro value, JSON key", null, ({ random }) => wireBytes(random)),
  unreadable("format", "Maxwell", "FORMAT_MAXWELL", () => MAXWELL),
  unreadable("format", "Maxwell without a key", "FORMAT_MAXWELL", () => MAXWELL, { key: "gone" }),
  unreadable("format", "Canal", "FORMAT_CANAL", () => CANAL),
  unreadable("format", "XML", "FORMAT_XML", () => "<row><id>1</id></row>"),
  unreadable("format", "CSV", "FORMAT_CSV", () => "1,c-1,10.5,2025-06-05"),
  unreadable("format", "plain text", null, () => "hello"),
  unreadable("format", "text of a Struct", "FORMAT_STRUCT_TEXT", () => "Struct{id=1}"),
  unreadable("format", "gzip", "FORMAT_GZIP", ({ message }) => gzipSync(message.value)),
  unreadable("format", "UTF-16", "FORMAT_UTF16", ({ message }) =>
    Buffer.from(`\uFEFF${message.value}`, "utf16le"),
  ),
  unreadable("format", "a list", null, ({ message }) => `[${message.value}]`),
  unreadable("format", "a number", null, () => "12"),
  unreadable("format", "outbox event", "FORMAT_OUTBOX", () => json({ orderId: 5 }), {
    headers: { id: "6f9619ff-8b86-4011-b42d-00c04fc964ff", eventType: "OrderCreated" },
  }),
  readable("format", "JSON-Schema prefix", ({ message, random }) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, random.between(1, 120)]), utf8(message.value)]),
  ),
  readable("format", "double-encoded", ({ message }) => json(message.value)),
  readable("format", "encoded three times", ({ message }) => json(json(message.value))),
  readable("format", "CloudEvent", ({ message, shape }) =>
    shape === "unwrapped"
      ? null
      : `{"specversion":"1.0","id":"1","source":"/bank","type":"change","data":${message.value}}`,
  ),
  readable("bytes", "byte order mark", ({ message }) => `\uFEFF${message.value}`),
  readable("bytes", "white space around", ({ message }) => `\r\n ${message.value}\n\t`),
  readable("bytes", "a huge member", ({ message, shape, random }) =>
    shape === "enveloped"
      ? null
      : `${message.value.slice(0, -1)},${
          shape === "unwrapped" ? '"__huge"' : '"huge"'
        }:"${"x".repeat(random.between(100_000, 400_000))}"}`,
  ),
  rowless("heartbeat", "HEARTBEAT", () => json({ ts_ms: 1_749_114_000_000 })),
  rowless("transaction metadata", "TRANSACTION_METADATA", () =>
    json({ status: "BEGIN", id: "741:1", event_count: null, data_collections: null, ts_ms: 1 }),
  ),
  unreadable("bytes", "truncated", "VALUE_NOT_JSON", ({ message, random }) =>
    message.value.slice(0, random.between(1, message.value.length - 1)),
  ),
  unreadable("bytes", "empty", "VALUE_EMPTY", () => ""),
  unreadable("bytes", "random bytes", null, ({ random }) =>
    Buffer.concat([Buffer.from([0xfe, 0x80]), randomBytes(random, random.between(0, 200))]),
  ),
  unreadable("bytes", "NUL behind", "VALUE_NOT_JSON", ({ message }) => `${message.value}\0`),
  unreadable("bytes", "two values", "VALUE_NOT_JSON", ({ message }) => message.value.repeat(2)),
];
