/** Whole numbers of 32 and 64 bits. */
import { TidemarkError } from "../errors.ts";
import { writeInt64Key } from "./int64-key.ts";
import { int32Layout, int64Layout } from "./layouts/values.ts";
import { decodeDeltas, decodeInt64s, encodeDeltas, encodeInt64s } from "./number-codec.ts";
import { compareNumbers } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

const integer = {
  isNumber: true,
  isOrdered: true,
  isKey: true,
  key: { tag: 3, write: writeInt64Key },
  jsonText: () => String,
  sqlLiteral: String,
} satisfies Partial<TypeDescriptor>;

export const int32Type: TypeDescriptor = {
  ...integer,
  type: "int32",
  layout: int32Layout,
  compare: (a, b) => compareNumbers(a as number, b as number),
  encode: (writer, values) => encodeDeltas(writer, values as readonly number[]),
  decode: (reader, count, arrays) => ({
    kind: "int32",
    values: decodeDeltas(reader, arrays.int32(count), count),
    valid: null,
  }),
  toUser: (value) => value,
  fromUser: (input) => (typeof input === "number" && input === (input | 0) ? input | 0 : undefined),
  expected: () => "an int32 (a whole number of 32 bits)",
};

export const int64Type: TypeDescriptor = {
  ...integer,
  type: "int64",
  layout: int64Layout,
  compare: (a, b) => compareNumbers(a as bigint, b as bigint),
  encode: (writer, values) => encodeInt64s(writer, values as readonly bigint[]),
  decode: (reader, count, arrays) => ({
    kind: "int64",
    values: decodeInt64s(reader, arrays.int64(count), count),
    valid: null,
  }),
  toUser(value, spec, name) {
    if (spec.mode !== "number") return value;
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new TidemarkError(
      "INT64_TOO_LARGE",
      `"${name}" is ${String(value)}, which a number cannot hold exactly; ` +
        'drop { mode: "number" } from its column',
    );
  },
  fromUser(input) {
    if (typeof input === "number" && !Number.isSafeInteger(input)) return undefined;
    if (typeof input !== "bigint" && typeof input !== "number") return undefined;
    const big = BigInt(input);
    return big === BigInt.asIntN(64, big) ? big : undefined;
  },
  expected: () => "an int64 (a bigint, or a whole number up to 2^53)",
};
