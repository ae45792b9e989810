/**
 * Counts the numbers that left their type (law 3: such a number saturates and is counted as
 * overflow).
 */
export interface Overflows {
  count: number;
  /** The number of answers that hold less than all, because a rule cut them. Omitted: none. */
  truncated?: number | undefined;
}
