/** True and false. */
import { booleanLayout } from "./layouts/values.ts";
import { compareNumbers } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

export const booleanType: TypeDescriptor = {
  type: "boolean",
  isNumber: false,
  isOrdered: true,
  isKey: true,
  layout: booleanLayout,
  compare: (a, b) => compareNumbers(a as boolean, b as boolean),
  encode(writer, values) {
    for (const value of values) writer.byte(value === true ? 1 : 0);
  },
  decode(reader, count, arrays) {
    const values = arrays.bytes(count);
    values.set(reader.raw(count));
    return { kind: "boolean", values, valid: null };
  },
  key: {
    tag: 2,
    write(writer, value) {
      if (typeof value !== "boolean") return false;
      writer.byte(1);
      writer.byte(value ? 1 : 0);
      return true;
    },
  },
  toUser: (value) => value,
  fromUser: (input) => (typeof input === "boolean" ? input : undefined),
  expected: () => "a boolean",
  jsonText: () => String,
  sqlLiteral: (value) => (value === true ? "TRUE" : "FALSE"),
};
