/** Converts answers to JSON. */
import { toBase64 } from "../columns/bytes-text.ts";
import { formatTime } from "../time/parse-time.ts";

/** The type of `toJson(value)`. */
export type Json<T> = 0 extends 1 & T
  ? unknown // any
  : T extends bigint | Date | Uint8Array
    ? string
    : T extends string | number | boolean | null | undefined
      ? T
      : T extends (infer Rows extends readonly unknown[]) & { readonly asOf: string }
        ? JsonItems<Rows>
        : T extends readonly unknown[]
          ? JsonItems<T>
          : T extends object
            ? { -readonly [K in keyof T]: Json<T[K]> } & {}
            : T;

type JsonItems<L extends readonly unknown[]> = { -readonly [I in keyof L]: Json<L[I]> };

/**
 * Converts a row, or anything made of rows, so that `JSON.stringify` loses no digit.
 * A bigint becomes a string of its digits, and bytes become base64.
 * A Date becomes an ISO string with six decimals of a second (`2026-01-31T09:30:00.125000Z`).
 * Numbers and strings (decimals) stay.
 *
 * @example
 * response.end(JSON.stringify(toJson(row)));
 */
export function toJson<const T>(value: T): Json<T> {
  return jsonValue(value) as Json<T>;
}

function jsonValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return formatTime(value.getTime() * 1000);
  if (value instanceof Uint8Array) return toBase64(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  const out: Record<string, unknown> = {};
  // An assignment to a member called __proto__ would be lost, so the member is defined.
  for (const [name, member] of Object.entries(value))
    Object.defineProperty(out, name, {
      value: jsonValue(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return out;
}
