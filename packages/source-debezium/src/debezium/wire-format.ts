/** Recognizes the format of bytes that are not JSON. Nothing here runs for a readable message. */

/** A format that Debezium's decoder does not read, and what helps. */
export interface ForeignFormat {
  /** A stable code, such as `FORMAT_AVRO`. */
  readonly reason: string;
  /** What the message looks like. It quotes nothing of a row. */
  readonly looksLike: string;
  /** The setting that helps. */
  readonly nextStep: string;
}

/** The next step for bytes that a converter of Kafka Connect wrote. */
export const JSON_CONVERTER: string =
  "set value.converter and key.converter of the connector to " +
  "org.apache.kafka.connect.json.JsonConverter, or give a decoder that reads the format";
const NOT_DEBEZIUM =
  "read the topic that Debezium writes, or give a decoder for these messages " +
  "(option decoder of kafkaChanges and recordedTopic)";
const DECOMPRESS =
  "let Kafka compress (compression.type of the producer) instead of the application, or give a " +
  "decoder that unpacks the value";

/** One row of the table: the first test that holds names the format. */
interface WireFormat extends Omit<ForeignFormat, "looksLike"> {
  readonly looksLike: string | ((bytes: Uint8Array) => string);
  test(bytes: Uint8Array): boolean;
}

const starts =
  (...first: readonly number[]) =>
  (bytes: Uint8Array): boolean =>
    first.every((byte, i) => bytes[i] === byte);

// prettier-ignore
const WIRE_FORMATS: readonly WireFormat[] = [
  { reason: "FORMAT_AVRO_FILE", test: starts(0x4f, 0x62, 0x6a, 0x01),
    looksLike: "an Avro container file (Obj and 1)", nextStep: JSON_CONVERTER },
  { reason: "FORMAT_GZIP", test: starts(0x1f, 0x8b),
    looksLike: "gzip", nextStep: DECOMPRESS },
  { reason: "FORMAT_ZSTD", test: starts(0x28, 0xb5, 0x2f, 0xfd),
    looksLike: "Zstandard", nextStep: DECOMPRESS },
  { reason: "FORMAT_LZ4", test: starts(0x04, 0x22, 0x4d, 0x18),
    looksLike: "LZ4", nextStep: DECOMPRESS },
  { reason: "FORMAT_SNAPPY", test: starts(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59),
    looksLike: "Snappy", nextStep: DECOMPRESS },
  { reason: "FORMAT_SNAPPY", test: starts(0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50),
    looksLike: "Snappy", nextStep: DECOMPRESS },
  { reason: "FORMAT_JAVA", test: starts(0xac, 0xed, 0x00, 0x05),
    looksLike: "a serialized Java object", nextStep: JSON_CONVERTER },
  { reason: "FORMAT_PARQUET", test: starts(0x50, 0x41, 0x52, 0x31),
    looksLike: "a Parquet file", nextStep: NOT_DEBEZIUM },
  { reason: "FORMAT_UTF16", test: isUtf16,
    looksLike: "text in UTF-16", nextStep: "write the messages as UTF-8" },
  { reason: "FORMAT_GLUE", test: (bytes) => bytes.length >= 18 && bytes[0] === 3 &&
      (bytes[1] === 0 || bytes[1] === 5),
    looksLike: "the header of the AWS Glue schema registry (3, 0 or 5, a UUID)",
    nextStep: JSON_CONVERTER },
  { reason: "FORMAT_BSON", test: isBson,
    looksLike: "BSON", nextStep: NOT_DEBEZIUM },
  { reason: "FORMAT_APICURIO", test: (bytes) => bytes.length > 9 && bytes[0] === 0 &&
      idAt(bytes, 1) === 0,
    looksLike: "the wire format of Apicurio (magic byte 0, an id of 8 bytes)",
    nextStep: JSON_CONVERTER },
  { reason: "FORMAT_PROTOBUF", test: (bytes) => isConfluent(bytes) && bytes.length > 6 &&
      isProtobuf(bytes, afterIndexes(bytes)),
    looksLike: (bytes) => `Protobuf in Confluent's wire format (${schemaId(bytes)})`,
    nextStep: JSON_CONVERTER },
  { reason: "FORMAT_AVRO", test: isConfluent,
    looksLike: (bytes) => `Avro in Confluent's wire format (${schemaId(bytes)})`,
    nextStep: JSON_CONVERTER },
  { reason: "FORMAT_MESSAGEPACK", test: (bytes) => isMap(bytes, 0x80, 0x0f, 0xa0, 0x1f),
    looksLike: "MessagePack", nextStep: NOT_DEBEZIUM },
  { reason: "FORMAT_CBOR", test: (bytes) => isMap(bytes, 0xa0, 0x17, 0x60, 0x17),
    looksLike: "CBOR", nextStep: NOT_DEBEZIUM },
];

/** Names the format of bytes that are not text of JSON. Gives null if no format is certain. */
export function wireFormat(bytes: Uint8Array): ForeignFormat | null {
  for (const form of [bytes, bytesOfLatin1(bytes)]) {
    if (form === null) continue;
    const found = WIRE_FORMATS.find(({ test }) => test(form));
    if (found === undefined) continue;
    const { reason, looksLike, nextStep } = found;
    return {
      reason,
      looksLike: typeof looksLike === "string" ? looksLike : looksLike(form),
      nextStep,
    };
  }
  return null;
}

/**
 * Gives the JSON after the prefix of a schema registry (0 and an id of 4 or 8 bytes), or null.
 * JSON Schema serializers write it before the JSON.
 */
export function withoutRegistryPrefix(
  text: string,
  bytes: () => Uint8Array | null,
): string | Uint8Array | null {
  if (text.charCodeAt(0) !== 0) return null;
  const all = bytes();
  if (all === null) return null;
  for (const length of all.length > 9 && idAt(all, 1) === 0 ? [9, 5] : [5]) {
    if (all.length > length && startsJson(all[length]!)) return all.subarray(length);
  }
  // A text recording may hold an id's bytes as other characters, fewer or more than before.
  const brace = text.indexOf("{");
  return brace >= 2 && brace <= 9 ? text.slice(brace) : null;
}

function startsJson(byte: number): boolean {
  return (
    byte === 0x7b ||
    byte === 0x22 ||
    byte === 0x2d ||
    byte === 0x5b ||
    (byte >= 0x30 && byte < 0x3a)
  );
}

function idAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function isConfluent(bytes: Uint8Array): boolean {
  return bytes.length > 5 && bytes[0] === 0;
}

function schemaId(bytes: Uint8Array): string {
  return `magic byte 0, schema id ${idAt(bytes, 1)}`;
}

/** Gives the position after Protobuf's message indexes, which follow the schema id. */
function afterIndexes(bytes: Uint8Array): number {
  const count = bytes[5]!;
  return count === 0 ? 6 : 6 + count / 2;
}

/** Says whether the bytes are fields of Protobuf up to their end. */
function isProtobuf(bytes: Uint8Array, start: number): boolean {
  if (!Number.isInteger(start) || start >= bytes.length) return false;
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length && factor < 2 ** 63; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return -1;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag < 8) return false;
    switch (tag % 8) {
      case 0:
        if (varint() < 0) return false;
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        if (length < 0) return false;
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        return false;
    }
  }
  return at === bytes.length;
}

function isBson(bytes: Uint8Array): boolean {
  return (
    bytes.length > 8 &&
    bytes.at(-1) === 0 &&
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === bytes.length
  );
}

function isUtf16(bytes: Uint8Array): boolean {
  const [a, b] = bytes;
  return (
    (a === 0xff && b === 0xfe) ||
    (a === 0xfe && b === 0xff) ||
    (a === 0x7b && b === 0) ||
    (a === 0 && b === 0x7b && bytes[2] === 0)
  );
}

/** Says whether the bytes are a small map whose first key is a name. */
function isMap(
  bytes: Uint8Array,
  map: number,
  members: number,
  text: number,
  max: number,
): boolean {
  const [a = 0, b = 0] = bytes;
  if (a <= map || a > map + members || b <= text || b > text + max) return false;
  const name = bytes.subarray(2, 2 + b - text);
  return name.length === b - text && /^[A-Za-z_][\w.]*$/.test(Buffer.from(name).toString("latin1"));
}

/** Gives the bytes of a recording that wrote each byte as one character, or null. */
function bytesOfLatin1(bytes: Uint8Array): Uint8Array | null {
  const { buffer, byteOffset, byteLength } = bytes;
  const text = Buffer.from(buffer, byteOffset, Math.min(byteLength, 65_536)).toString("utf8");
  // oxlint-disable-next-line no-control-regex
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return null;
  return Buffer.from(text, "latin1");
}
