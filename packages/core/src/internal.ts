/**
 * The functions that the packages of Tidemark share and users do not need. This entry is no public
 * API and has no version promise.
 *
 * A package of Tidemark accepts any core from its own version up to the next minor version. So a
 * patch version of core may add a name here, and only a minor version may remove or change one.
 */
export { fromBase64, toBase64 } from "./columns/bytes-text.ts";
export {
  durationMicros,
  durationText,
  retentionMicros,
  timeLimitMillis,
} from "./define/duration.ts";
export { selectionFrom } from "./define/selection.ts";
export { specOfEntity, specOfService, specOfView } from "./define/spec-of.ts";
export { timeOf } from "./define/time-input.ts";
export { fromUser, toUser } from "./define/user-values.ts";
export { didYouMean } from "./did-you-mean.ts";
export { refuseUnknownOptions, type OptionNames } from "./option-checks.ts";
export { backpressureText } from "./ingest/backpressure.ts";
export { definitionMismatchText } from "./registry/definition-mismatch.ts";
export { keyReader, keysNeeded, type KeyReader } from "./request/entity-keys.ts";
export { answerOf, requestedKeys, type OnlineRequestInput } from "./request/online-request.ts";
