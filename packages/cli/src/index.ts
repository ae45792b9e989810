export { replay, type ReplayOptions, type ReplayPath, type ReplayResult } from "./replay.ts";
export type { Comparison, Difference } from "./comparison.ts";
