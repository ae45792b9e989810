/** Values as texts for people. */
import type { JsonValue } from "./json-value.ts";

const numbers = new Intl.NumberFormat("en");

/** Writes a count: 12,345. */
export function countText(count: number): string {
  return numbers.format(count);
}

/** Writes a number with at most four significant digits, or as it is where it is whole. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return numbers.format(value);
  return String(Number(value.toPrecision(4)));
}

/** Writes seconds as the largest unit that they fill: `90` is `1.5 min`. */
export function secondsText(seconds: number): string {
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ] as const;
  const [size, unit] = units.find(([size]) => Math.abs(seconds) >= size) ?? [1, "s"];
  return `${String(Number((seconds / size).toPrecision(3)))} ${unit}`;
}

/** Writes bytes: `1536` is `1.5 kB`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 ? numbers.format(size) : size.toFixed(1)} ${units[unit]!}`;
}

/** Writes how long before `now` a time is, or how far ahead. `now`: milliseconds of Unix time. */
export function agoText(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds >= 0 ? `${secondsText(seconds)} ago` : `in ${secondsText(-seconds)}`;
}

/** Writes a value of an answer. */
export function valueText(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  if (value === null) return "null";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Writes a row of values: `user_id 4711, region é`. */
export function rowText(row: { readonly [column: string]: JsonValue }): string {
  return Object.entries(row)
    .map(([column, value]) => `${column} ${valueText(value)}`)
    .join(", ");
}

/** Writes where a message is in its log. */
export function placeText({
  topic,
  partition,
  offset,
}: {
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: number;
}): string {
  return `${topic}/${partition} offset ${offset}`;
}

/** Writes a time without `T`, and without zeros at its end. */
export function shortTime(time: string): string {
  return time
    .replace("T", " ")
    .replace(/(\.\d*?)0+Z$/, "$1Z")
    .replace(/\.Z$/, "Z");
}
