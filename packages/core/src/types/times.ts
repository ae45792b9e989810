/** Instants, held as µs since the epoch, and dates, held as days since it. */
import { formatDate, formatTime, parseDate } from "../time/parse-time.ts";
import type { TypeSpec } from "../specs.ts";
import { writeInt64Key } from "./int64-key.ts";
import { float64Layout, int32Layout } from "./layouts/values.ts";
import { decodeDeltas, encodeDeltas } from "./number-codec.ts";
import { compareNumbers } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";
import type { PresentValue } from "./vector.ts";

const time = {
  isNumber: false,
  isOrdered: true,
  isKey: true,
  compare: (a, b) => compareNumbers(a as number | bigint, b as number | bigint),
  encode: (writer, values) => encodeDeltas(writer, values as readonly number[]),
} satisfies Partial<TypeDescriptor>;

/** In entity rows a time may be a bigint, beyond 2^53 µs. */
export const timestampType: TypeDescriptor = {
  ...time,
  type: "timestamp",
  layout: float64Layout,
  decode: (reader, count, arrays) => ({
    kind: "float64",
    values: decodeDeltas(reader, arrays.float64(count), count),
    valid: null,
  }),
  key: { tag: 6, write: writeInt64Key },
  toUser(value, spec) {
    const micros = value as number | bigint;
    if (spec.zoneless === true) return formatTime(micros).slice(0, -1);
    return spec.mode === "micros" ? BigInt(micros) : new Date(flooredMillis(micros));
  },
  fromUser: (input, spec, readTime) =>
    typeof input === "bigint" && spec.mode === "micros" && Number.isSafeInteger(Number(input))
      ? Number(input)
      : readTime(input),
  expected: () => "a timestamp (a Date, an ISO string with a zone, or micros(n))",
  jsonText: (spec) => (value) => `"${timeText(value, spec)}"`,
  sqlLiteral: (value) =>
    `TIMESTAMP WITH TIME ZONE '${formatTime(value as number)
      .replace("T", " ")
      .replace("Z", "+00:00")}'`,
};

export const dateType: TypeDescriptor = {
  ...time,
  type: "date",
  layout: int32Layout,
  decode: (reader, count, arrays) => ({
    kind: "int32",
    values: decodeDeltas(reader, arrays.int32(count), count),
    valid: null,
  }),
  key: { tag: 7, write: writeInt64Key },
  toUser: (value) => formatDate(value as number),
  fromUser(input) {
    const days = typeof input === "string" ? parseDate(input) : null;
    return days !== null && days === (days | 0) ? days : undefined;
  },
  expected: () => 'a date ("YYYY-MM-DD", a day of the calendar)',
  jsonText: () => (value) => `"${formatDate(value as number)}"`,
  sqlLiteral: (value) => `DATE '${formatDate(value as number)}'`,
};

/** The ISO text. A time of a clock whose zone nobody named has no Z. */
function timeText(value: PresentValue, { zoneless, zone }: TypeSpec): string {
  const text = formatTime(value as number | bigint);
  return zoneless === true && zone === undefined ? text.slice(0, -1) : text;
}

function flooredMillis(micros: number | bigint): number {
  if (typeof micros === "number") return Math.floor(micros / 1000);
  return Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n);
}
