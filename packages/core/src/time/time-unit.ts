/** Units of times that are whole numbers since 1970. */

/** The unit of times that are bare numbers: seconds, milliseconds, microseconds, nanoseconds. */
export type TimeUnit = "s" | "ms" | "us" | "ns";

/** The names of the units, from the longest unit to the shortest. */
export const TIME_UNITS: readonly [TimeUnit, ...TimeUnit[]] = ["s", "ms", "us", "ns"];

/**
 * Converts a number of units since 1970 to microseconds; digits beyond µs are floored.
 * The result is no safe integer if the time lies beyond ±2^53 µs.
 *
 * @example
 * microsOfNumber(1_749_384_000_000n, "ms"); // 1749384000000000
 */
export function microsOfNumber(number: bigint, unit: TimeUnit): number {
  switch (unit) {
    case "s":
      return Number(number * 1_000_000n);
    case "ms":
      return Number(number * 1_000n);
    case "us":
      return Number(number);
    case "ns":
      return Number((number - (((number % 1_000n) + 1_000n) % 1_000n)) / 1_000n);
  }
}
