/** Text and JSON documents, which are held as text. */
import { wellFormedText } from "../bytes/utf8.ts";
import type { ByteWriter } from "../bytes/bytes.ts";
import { textLayout } from "./layouts/texts.ts";
import { compareStrings } from "./order.ts";
import { decodeTexts, encodeTexts } from "./text-codec.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";
import type { PresentValue } from "./vector.ts";

const text = {
  isNumber: false,
  layout: textLayout,
  compare: (a, b) => compareStrings(a as string, b as string),
  encode: (writer, values) => encodeTexts(writer, values as readonly string[]),
  decode: decodeTexts,
  sqlLiteral: (value) => `'${(value as string).replaceAll("'", "''")}'`,
} satisfies Partial<TypeDescriptor>;

function writeKeyText(writer: ByteWriter, value: PresentValue): boolean {
  if (typeof value !== "string") return false;
  writer.text(value);
  return true;
}

export const stringType: TypeDescriptor = {
  ...text,
  type: "string",
  isOrdered: true,
  isKey: true,
  key: { tag: 1, write: writeKeyText },
  toUser: (value) => value,
  fromUser: (input) => (typeof input === "string" ? wellFormedText(input) : undefined),
  expected: () => "a string",
  jsonText: () => (value) => JSON.stringify(value),
};

export const jsonType: TypeDescriptor = {
  ...text,
  type: "json",
  isOrdered: false,
  isKey: false,
  key: { tag: 9, write: writeKeyText },
  toUser: (value) => JSON.parse(value as string) as unknown,
  fromUser(input) {
    try {
      return JSON.stringify(input) as string | undefined;
    } catch {
      return undefined; // A cycle, or a bigint.
    }
  },
  expected: () => "a json value (anything JSON.stringify takes)",
  jsonText: () => String,
};
