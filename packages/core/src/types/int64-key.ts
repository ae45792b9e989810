/** Whole numbers, dates and times in the keys of cells. */
import type { ByteWriter } from "../bytes/bytes.ts";
import type { PresentValue } from "./vector.ts";

const INTEGER_TEXT = /^-?\d{1,20}$/;
const INT64_LIMIT = 1n << 63n;

/** Writes an integer of 64 bits. Returns false if the value is none. */
export function writeInt64Key(writer: ByteWriter, value: PresentValue): boolean {
  const exact = exactInteger(value);
  if (exact === null || exact < -INT64_LIMIT || exact >= INT64_LIMIT) return false;
  writer.byte(8);
  // Big-endian with the sign bit flipped, so that bytes sort as numbers do.
  writer.int64(exact ^ -INT64_LIMIT, false);
  return true;
}

function exactInteger(value: PresentValue): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && INTEGER_TEXT.test(value) ? BigInt(value) : null;
}
