export { replay, type ReplayOptions, type ReplayPath, type ReplayResult, type TimeUnits } from "./replay.ts";
export type { Comparison, Difference } from "./comparison.ts";
