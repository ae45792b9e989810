/** Numbers of elements, rows or windows: whole, from 1 to 1,000. */
import { TidemarkError } from "../errors.ts";
import { described } from "./definition.ts";
import type { Invalid } from "./shape.ts";

/** The number itself, or why it is no number of these. A number that is not known passes. */
export type CheckCountOf<K extends number, What extends string> = number extends K
  ? K
  : `${K}` extends "1000"
    ? K
    : `${K}` extends
          | "0"
          | `-${string}`
          | `${string}.${string}`
          | `${string}e${string}`
          | `${number}${number}${number}${number}`
      ? Invalid<`${K} is no number of ${What}: give a whole number from 1 to 1000`>
      : K;

/** The most units, rows or windows of one window. */
const MAX_COUNT = 1_000;

/**
 * Returns the number, checked.
 *
 * @throws DEFINITION_INVALID when it is no whole number from 1 to 1,000.
 */
export function checkCount(who: string, what: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > MAX_COUNT)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: ${what} must be a whole number from 1 to ${MAX_COUNT}, got ${described(value)}`,
    );
  return value;
}
