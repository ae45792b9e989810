/**
 * Checks the headers of a Parquet file before hyparquet reads them: every number, text and list
 * ends within the bytes, and structures are not too deep.
 */
import { MAX_FOOTER_DEPTH, MAX_FOOTER_VALUES } from "./limits.ts";

/** The types of Thrift's compact protocol. */
const ThriftType = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

/** The bytes of an int64 as a varint. */
const MAX_VARINT_BYTES = 10;

/**
 * Walks over one structure of Thrift's compact protocol from `from` on.
 *
 * @throws Error when it does not end within the bytes, or is no structure.
 */
export function checkThrift(bytes: Uint8Array, from: number): void {
  let at = from;
  let values = 0;
  const skip = (count: number): void => {
    if (count > bytes.length - at) throw new Error("a header ends too soon");
    at += count;
  };
  const byte = (): number => {
    skip(1);
    return bytes[at - 1]!;
  };
  const varint = (): number => {
    let value = 0;
    for (let i = 0, weight = 1; i < MAX_VARINT_BYTES; i++, weight *= 128) {
      const next = byte();
      value += (next & 0x7f) * weight;
      if (next < 0x80) return value;
    }
    throw new Error("a number of a header is too long");
  };
  const struct = (depth: number): void => {
    if (depth > MAX_FOOTER_DEPTH) throw new Error("the structures of a header are too deep");
    for (;;) {
      const head = byte();
      const type = head & 0x0f;
      if (type === ThriftType.stop) return;
      if (head >> 4 === 0) varint();
      element(type, depth);
    }
  };
  const list = (depth: number): void => {
    const head = byte();
    const type = head & 0x0f;
    const size = head >> 4 === 15 ? varint() : head >> 4;
    if (size > bytes.length - at) throw new Error("a list of a header ends too late");
    const isBoolean = type === ThriftType.true || type === ThriftType.false;
    for (let i = 0; i < size; i++) element(isBoolean ? ThriftType.byte : type, depth);
  };
  const element = (type: number, depth: number): void => {
    if (++values > MAX_FOOTER_VALUES)
      throw new Error(`a header has more than ${MAX_FOOTER_VALUES} values`);
    switch (type) {
      case ThriftType.true:
      case ThriftType.false:
        return;
      case ThriftType.byte:
        return skip(1);
      case ThriftType.i16:
      case ThriftType.i32:
      case ThriftType.i64:
        return void varint();
      case ThriftType.double:
        return skip(8);
      case ThriftType.binary:
        return skip(varint());
      case ThriftType.list:
        return list(depth + 1);
      case ThriftType.struct:
        return struct(depth + 1);
      default:
        throw new Error(`a header has a value of type ${type}`);
    }
  };
  struct(0);
}
