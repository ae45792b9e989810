/** The rate of work that was done, from which a plan estimates the next one. */

/** Changes that work took, and the seconds that it took. */
export interface MeasuredRate {
  readonly changes: number;
  readonly seconds: number;
}

/** The fewest changes from which a rate is taken. Fewer tell more of the start than of the work. */
export const LEAST_MEASURED = 1_000;
