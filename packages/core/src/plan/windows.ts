/** The windows of features, as plain data. */
import type { FeatureSpec, WindowSpec } from "../specs.ts";
import { aggregatesOf } from "./columns-read.ts";

/** The windows that a feature is over; none for `latest`. */
export function windowsOf(feature: FeatureSpec): readonly WindowSpec[] {
  return aggregatesOf(feature).flatMap(({ window }) => window ?? []);
}

/** Whether two windows hold the same rows at every time. */
export function isSameWindow(a: WindowSpec, b: WindowSpec): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Those of the windows that can begin before all others: the longest of those that are lengths, and
 * each other one.
 */
export function farthestWindows(windows: readonly WindowSpec[]): readonly WindowSpec[] {
  const lengths = windows.filter((window) => typeof window === "number");
  const others = windows.filter((window) => typeof window !== "number");
  const unique = new Map(others.map((window) => [JSON.stringify(window), window]));
  return [...(lengths.length === 0 ? [] : [Math.max(...lengths)]), ...unique.values()];
}
