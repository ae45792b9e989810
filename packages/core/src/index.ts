export { TidemarkError, isTidemarkError } from "./errors.ts";
export type { Kind, Value } from "./model.ts";
