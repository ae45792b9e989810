/** Units of lengths of time. */

/** A unit of a length of time in an answer. */
export type DurationUnit = "seconds" | "minutes" | "hours" | "days";

/** The names of the units. */
export const DURATION_UNITS: readonly DurationUnit[] = ["seconds", "minutes", "hours", "days"];

/** The length of each unit in µs. */
export const unitLengths: Readonly<Record<DurationUnit, number>> = {
  seconds: 1e6,
  minutes: 60e6,
  hours: 3600e6,
  days: 86_400e6,
};
