/** Lengths of time: a whole number and a unit. */
import { TidemarkError } from "../errors.ts";
import type { Invalid } from "./shape.ts";

/** `d` is 24 hours (law 1), `w` seven of them. */
export type Duration = `${bigint}${"s" | "m" | "h" | "d" | "w"}`;

export type CheckDuration<D extends string> = D extends `-${string}` | `0${string}`
  ? Invalid<`'${D}' is no length of time: write a whole number above zero and s, m, h, d or w, as in '7d'`>
  : D extends Duration
    ? D
    : Invalid<`'${D}' is not a duration: write a whole number and s, m, h, d or w, as in '7d'`>;

export type Durations = readonly [string, ...string[]];

/** Each duration, or the sentence that refuses it; one that is listed twice is refused too. */
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
/** Sums of a time and a duration stay safe integers in µs for every time that matters. */
const MAX_DURATION = 100_000 * 86_400e6;

/** A duration in µs; anything else is `DURATION_INVALID`. */
export function durationMicros(who: string, text: unknown): number {
  const found = typeof text === "string" ? /^([1-9][0-9]*)([smhdw])$/.exec(text) : null;
  if (found === null) {
    throw new TidemarkError(
      "DURATION_INVALID",
      `${who}: ${typeof text === "string" ? JSON.stringify(text) : String(text)} is not a ` +
        `duration; write a whole number above zero and s, m, h, d or w, as in "7d"`,
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

/** A length in µs as definitions write it: `7d`, weeks as days. */
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
