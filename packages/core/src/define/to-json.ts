/** Converts answers to JSON. */
import { toBase64 } from "../bytes/bytes-text.ts";
import { formatTime } from "../time/parse-time.ts";
import { isMapOfPairs } from "../types/nested/pair-maps.ts";

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
          : T extends ReadonlyMap<infer K, infer V>
            ? JsonOfMap<K, V>
            : T extends object
              ? { -readonly [K in keyof T]: Json<T[K]> } & {}
              : T;

/** A map with keys that are text is an object, another map a list of pairs. */
type JsonOfMap<K, V> = K extends string
  ? { readonly [name: string]: Json<V> } | readonly (readonly [string, Json<V>])[]
  : readonly (readonly [Json<K>, Json<V>])[];
type JsonItems<L extends readonly unknown[]> = { -readonly [I in keyof L]: Json<L[I]> };

/**
 * Converts a row, or anything made of rows, so that `JSON.stringify` loses no digit.
 * A bigint becomes a string of its digits, and bytes become base64.
 * A Date becomes an ISO string with six decimals of a second (`2026-01-31T09:30:00.125000Z`).
 * Numbers and strings (decimals) stay. A Map becomes an object if its keys are text, else a list
 * of pairs in its order.
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
  if (value instanceof Map && isMapOfPairs(value))
    return Array.from(value as ReadonlyMap<unknown, unknown>, (pair) => pair.map(jsonValue));
  const members = (value instanceof Map ? [...value] : Object.entries(value)) as [
    string,
    unknown,
  ][];
  const out: Record<string, unknown> = {};
  // An assignment to a member called __proto__ would be lost, so the member is defined.
  for (const [name, member] of members)
    Object.defineProperty(out, name, {
      value: jsonValue(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return out;
}
