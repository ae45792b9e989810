/**
 * What reads and writes columns: a small part of `internal`, without definitions and stores. A
 * worker that encodes columns loads it in a few milliseconds. Like `internal` it is no public API.
 */
export { wellFormedText } from "./bytes/utf8.ts";
export { distinctTexts } from "./columns/batch.ts";
export { buffersOfVector, ownVector } from "./engine/batch-bytes.ts";
export { isTidemarkError, TidemarkError } from "./errors.ts";
export type { TaskAnswer } from "./threads/shared-threads.ts";
export { pickRows } from "./columns/gather-rows.ts";
export { layoutOf } from "./types/layouts/layouts.ts";
export { isAscending } from "./types/order.ts";
export { typeText } from "./types/type-text.ts";
export { typeOf } from "./types/value-types.ts";
export { lengthOf, type ScalarVector } from "./types/vector.ts";
