/** Finite doubles. */
import { float64Layout } from "./layouts/values.ts";
import { compareNumbers } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

export const float64Type: TypeDescriptor = {
  type: "float64",
  isNumber: true,
  isOrdered: true,
  isKey: false,
  layout: float64Layout,
  compare: (a, b) => compareNumbers(a as number, b as number),
  encode(writer, values) {
    for (const value of values) writer.float64(value as number);
  },
  decode(reader, count, arrays) {
    const values = arrays.float64(count);
    reader.float64s(values, count);
    return { kind: "float64", values, valid: null };
  },
  key: {
    tag: 4,
    write(writer, value) {
      if (typeof value !== "number" || !Number.isFinite(value)) return false;
      writer.byte(8);
      writer.float64(value === 0 ? 0 : value, false);
      return true;
    },
  },
  toUser: (value) => value,
  // No value is −0 (law 3: no output is −0).
  fromUser: (input) =>
    typeof input === "number" && Number.isFinite(input) ? (input === 0 ? 0 : input) : undefined,
  expected: () => "a float64 (a finite number)",
  jsonText: () => String,
  sqlLiteral: String,
};
