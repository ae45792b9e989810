export { TidemarkError, isTidemarkError } from "./errors.ts";
export type { Kind, Value } from "./model.ts";
export { formatDate, formatTime, parseDate, parseTime } from "./time/parse-time.ts";
export * from "./define/index.ts";
export type { Answer, EntityFrame, FeatureReads, OnlineAnswers, TrainingSet } from "./store/store-types.ts";
