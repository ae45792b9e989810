/** Durations: a whole number and a unit. */
import { TidemarkError } from "../errors.ts";
import type { Invalid } from "./shape.ts";

/**
 * A duration such as "7d". `d` is 24 hours (law 1: a day never follows a calendar), and `w` is
 * seven of them.
 */
export type Duration = `${bigint}${"s" | "m" | "h" | "d" | "w"}`;

/** The duration itself, or the sentence that refuses it. */
export type CheckDuration<D extends string> = D extends `-${string}` | `0${string}`
  ? Invalid<`'${D}' is no length of time: ${DurationForm<"above zero ">}`>
  : D extends Duration
    ? D
    : Invalid<`'${D}' is not a duration: ${DurationForm<"">}`>;
type DurationForm<Range extends string> =
  `write a whole number ${Range}and s, m, h, d or w, as in '7d'`;

/** A list of at least one duration. */
export type Durations = readonly [string, ...string[]];

/** Each duration, or the sentence that refuses it. A duration listed twice is refused too. */
export type CheckDurations<W extends Durations> = {
  [I in keyof W]: W[I] extends { [J in keyof W]: J extends I ? never : W[J] }[number]
    ? Invalid<`'${W[I]}' is listed twice`>
    : CheckDuration<W[I]>;
};

const unitMicros: Readonly<Record<string, number>> = {
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
  w: 604_800e6,
};
/** The longest duration. It keeps the sum of a time and a duration a safe integer in µs. */
const MAX_DURATION = 100_000 * 86_400e6;

/**
 * Reads a duration as µs.
 *
 * @throws DURATION_INVALID when the text is no duration, or longer than 100000d.
 */
export function durationMicros(who: string, text: unknown): number {
  const found = typeof text === "string" ? /^([1-9][0-9]*)([smhdw])$/.exec(text) : null;
  if (found === null) {
    throw new TidemarkError(
      "DURATION_INVALID",
      `${who}: ${typeof text === "string" ? JSON.stringify(text) : String(text)} is not a ` +
        'duration; write a whole number above zero and s, m, h, d or w, as in "7d"',
    );
  }
  const length = Number(found[1]) * unitMicros[found[2]!]!;
  if (length > MAX_DURATION)
    throw new TidemarkError(
      "DURATION_INVALID",
      `${who}: "${String(text)}" is longer than the longest duration, 100000d`,
    );
  return length;
}

/**
 * Formats a length in µs as definitions write it: `7d`. Weeks are written as days.
 *
 * @example
 * durationText(604_800_000_000); // "7d"
 */
export function durationText(micros: number): string {
  const [unitLength, unit] = (
    [
      [86_400e6, "d"],
      [3600e6, "h"],
      [60e6, "m"],
    ] as const
  ).find(([length]) => micros % length === 0) ?? [1e6, "s"];
  return `${micros / unitLength}${unit}`;
}
