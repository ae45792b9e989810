/** Bytes. */
import { toBase64, toHex } from "../bytes/bytes-text.ts";
import { bytesLayout } from "./layouts/values.ts";
import { compareBytes } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

export const bytesType: TypeDescriptor = {
  type: "bytes",
  isNumber: false,
  isOrdered: true,
  isKey: true,
  layout: bytesLayout,
  compare: (a, b) => compareBytes(a as Uint8Array, b as Uint8Array),
  encode(writer, values) {
    for (const value of values as readonly Uint8Array[]) {
      writer.varint(value.length);
      writer.raw(value);
    }
  },
  decode: (reader, count) => ({
    kind: "bytes",
    values: Array.from({ length: count }, () => reader.raw(reader.varint()).slice()),
    valid: null,
  }),
  key: {
    tag: 8,
    write(writer, value) {
      if (!(value instanceof Uint8Array)) return false;
      writer.varint(value.length);
      writer.raw(value);
      return true;
    },
  },
  toUser: (value) => value,
  fromUser: (input) => (input instanceof Uint8Array ? input : undefined),
  expected: () => "a bytes value (a Uint8Array)",
  jsonText: () => (value) => `"${toBase64(value as Uint8Array)}"`,
  sqlLiteral: (value) => `X'${toHex(value as Uint8Array)}'`,
};
