/**
 * The functions that the packages of Tidemark share and users do not need. This entry is no public
 * API and has no version promise.
 *
 * A package of Tidemark accepts any core from its own version up to the next minor version. So a
 * patch version of core may add a name here, and only a minor version may remove or change one.
 */
export { fromBase64, toBase64 } from "./bytes/bytes-text.ts";
export {
  durationMicros,
  durationText,
  retentionMicros,
  timeLimitMillis,
} from "./define/duration.ts";
export { baseFeatures, inputName, isDerived } from "./define/base-features.ts";
export { sourcesOf } from "./plan/columns-read.ts";
export { featureCode } from "./define/feature-code.ts";
export { featureNamed, selectedNamed, viewSelection } from "./define/former-names.ts";
export { metadataKey, metadataOf, type Described } from "./metadata.ts";
export { sensitivityOf } from "./plan/sensitivity.ts";
export { roleOf } from "./define/roles.ts";
export { selectedInRole } from "./define/select.ts";
export { selectionFrom } from "./define/selection.ts";
export { sourceReadings, viewsOver } from "./define/source-readings.ts";
export { specOfAnyView, specOfEntity, specOfService, specOfView } from "./define/spec-of.ts";
export { timeOf } from "./define/time-input.ts";
export { fromUser, toUser } from "./define/user-values.ts";
export { textOfWindow } from "./define/window-text.ts";
export { didYouMean, editDistance } from "./did-you-mean.ts";
export { instantText, localClockText } from "./time/instant-text.ts";
export {
  bareNumberText,
  describeTimeProblem,
  timeProblemWithoutText,
} from "./time/time-problem.ts";
export { isTimeZone } from "./time/zone.ts";
export { microsOfNumber, TIME_UNITS } from "./time/time-unit.ts";
export {
  hasUserInfo,
  isInsecureAddress,
  isLoopbackHost,
  refuseInsecureAddress,
  withoutUserInfo,
} from "./insecure-address.ts";
export { isPlainUtf8, textFileBytes } from "./text-file-bytes.ts";
export { errorText, LEVELS, logLine, type Level } from "./log-line.ts";
export { missingReason } from "./online/missing-features.ts";
export {
  bytesOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "./option-checks.ts";
export { tablesOf } from "./rows/source-tables.ts";
export { isExpected } from "./ingest/not-taken.ts";
export { firstNotTakenText, notTakenText } from "./ingest/run-report.ts";
export { mismatchText } from "./ingest/source-fit.ts";
export { backpressureText } from "./ingest/backpressure.ts";
export { AUDIT_ACTIONS, AUDIT_COUNTS, AUDIT_OUTCOMES } from "./audit/audit-types.ts";
export {
  auditedTrainingSet,
  type AuditedTrainingSet,
} from "./entity-files/audited-training-set.ts";
export { currentUser } from "./registry/current-user.ts";
export { definitionMismatchText } from "./registry/definition-mismatch.ts";
export { compileQuery, viewPlans, type ViewPlan } from "./plan/compile.ts";
export { dimensionsOf, rowCondition } from "./plan/plan-kinds.ts";
export { readingsOfInput } from "./offline/reading-events.ts";
export { historyTables } from "./offline/history-tables.ts";
export { edgesOf, reachOfPlan, seriesEdgesOf } from "./window/window-edges.ts";
export { aggregators, aggregatorNamed } from "./aggregate/registry.ts";
export type { SqlSupport } from "./aggregate/aggregator.ts";
export { boundExpression } from "./expr/bind.ts";
export { scalarFunction } from "./expr/scalar-functions.ts";
export { columnsOfExpression } from "./expr/tree.ts";
export { roundRational } from "./statistics/rational.ts";
export { decimalFraction } from "./statistics/quantile-finish.ts";
export { unitLengths } from "./time/duration-unit.ts";
export { entityRowsOf, type EntityRowsInput } from "./request/entity-rows.ts";
export { queryText } from "./plan/explain.ts";
export { keyReader, keysNeeded, type KeyReader } from "./request/entity-keys.ts";
export { answerOf, requestedKeys, type OnlineRequestInput } from "./request/online-request.ts";
export { eventLoopYielder } from "./yield-to-event-loop.ts";
export {
  withoutUnions,
  isAvroJson,
  mayBeAvroJson,
  unclearColumn,
} from "./row-formats/debezium/avro-json.ts";
export { rowSchema } from "./row-formats/debezium/connect-schema.ts";
export {
  JsonMembers,
  NULL,
  OBJECT,
  NUMBER,
  isJson,
  TRUE,
  copiedText,
  ESCAPED,
  STRING,
  jsonInString,
} from "./row-formats/debezium/json-text.ts";
export { type OriginPart, withKeyFrom } from "./row-formats/debezium/key-from.ts";
export { LearnedTexts, type StoredTexts } from "./row-formats/debezium/learned-texts.ts";
export { type PayloadReader, payloadReader } from "./row-formats/debezium/payload.ts";
export {
  type RowDecoder,
  type DecodedRow,
  rowDecoder,
} from "./row-formats/debezium/row-decoder.ts";
export { type TimeUnit, unusedTimes } from "./row-formats/debezium/time-unit.ts";
export { UNWRAP_TRANSFORM, findMeta } from "./row-formats/debezium/unwrapped.ts";
export { absentColumn } from "./row-formats/values/absent-column.ts";
export { bytesOfText } from "./row-formats/values/bytes-text.ts";
export {
  decimalOfText,
  fitDecimal,
  wholeNumber,
  decimalNumber,
  decimalOfBase64,
  decimalText,
} from "./row-formats/values/decimal.ts";
export { Failure, NON_FINITE } from "./row-formats/values/failure.ts";
export { messageKeyReader } from "./row-formats/debezium/message-key-reader.ts";
export { wellFormedJson } from "./row-formats/logged-text.ts";
export { jsonFormat, jsonRow } from "./row-formats/json-format.ts";
export { readValueRow } from "./row-formats/value-row.ts";
export { changeReader } from "./row-formats/change-reader.ts";
export { historyChanges } from "./offline/history-changes.ts";
export { layoutOf } from "./types/layouts/layouts.ts";
export { typeText } from "./types/type-text.ts";
export { withMissingMembers } from "./types/nested/missing-members.ts";
export { mapOfPairs } from "./types/nested/pair-maps.ts";
export type { PartWriters } from "./types/type-descriptor.ts";
export { scalarType, typeOf } from "./types/value-types.ts";
export { categoriesText, expressionText, literalText } from "./expr/expression-text.ts";
export { isScalar, lengthOf, type ScalarVector } from "./types/vector.ts";
export {
  checkEntityColumns,
  entityColumnNamed,
  neededColumns,
  TIME_COLUMN,
  toBatches,
} from "./entity-files/entity-columns.ts";
export type { EntityFile, EntityFileOptions } from "./entity-files/entity-file-types.ts";
export {
  ExactNumber,
  compactJson,
  exactJson,
  parseDigits,
  parseExact,
} from "./entity-files/exact-json.ts";
export {
  historicalFeaturesOfFile,
  warnOfUnsupportedColumns,
  type HistoricalFileResult,
  type HistoricalRows,
} from "./entity-files/historical-file.ts";
export { jsonObject } from "./entity-files/json-object.ts";
export { jsonlEntities } from "./entity-files/jsonl-entities.ts";
export {
  incompleteDefinitions,
  REQUIRABLE,
  type IncompleteDefinition,
  type RequiredMetadata,
} from "./registry/required-metadata.ts";
export { exportedNames } from "./explain/explainer.ts";
export { MASKED, maskedKey, personalKeys, personalMasked } from "./explain/masking.ts";
export { maskedQuarantine } from "./status/quarantined-rows.ts";
export { keyFromJson, keyFromText, keyMissing } from "./entity-files/key-values.ts";
export { parquetEntities, type ReadParquet } from "./entity-files/parquet-entities.ts";
export {
  timeOfText,
  timeProblemOfText,
  withClock,
  type OptionText,
} from "./entity-files/read-time.ts";
export {
  ENTITIES_CODES,
  fileLines,
  fileText,
  fileThere,
  LOAD_CODES,
  MAX_LINE_LENGTH,
  nulProblem,
  REQUESTS_CODES,
  type FileCodes,
} from "./entity-files/text-file.ts";
export { lookupIn, type Lookup } from "./asof/lookup.ts";
export { concatVectors, vectorBuilder } from "./columns/batch.ts";
export { gatherRows, pickRows } from "./columns/gather-rows.ts";
export { keyNumbers } from "./columns/key-numbers.ts";
export type { Overflows } from "./columns/overflows.ts";
export { answerSplits } from "./engine/answer-splits.ts";
export { computeSplit, type Split } from "./engine/compute-split.ts";
export { inThreads, type RunInThread } from "./threads/shared-threads.ts";
export { moduleUrl } from "./threads/worker-pool.ts";
export { gatheredEvents, gatherEvents } from "./engine/gather-events.ts";
export { localEngine } from "./engine/local-engine.ts";
export { dimensionColumns, eventColumns, inputOf, lookupsOf, scansOf } from "./plan/plan-kinds.ts";
export { projectedEvents } from "./window/union-rows.ts";
export { entityNumbers } from "./offline/entity-numbers.ts";
export { historyContext } from "./offline/history-context.ts";
export { knownSinceOf, openOfflineReader, refuseBeforeHistory } from "./offline/offline-reader.ts";
export {
  DEFAULT_MEMORY_LIMIT,
  LEAST_MEMORY_LIMIT,
  threadsOfCores,
  threadsWithin,
} from "./memory-limit.ts";
export { pinnedOfflineStore, pinnedTables, type PinnedTables } from "./offline/pinned-history.ts";
export { answerColumns } from "./request/result-rows.ts";
export { selectionFingerprint } from "./registry/selection-fingerprint.ts";
export { historyState } from "./offline/version-events.ts";
export { typeSpecOf } from "./expr/tree.ts";
export { layoutOf as versionsLayoutOf } from "./offline/versions-layout.ts";
export { serviceNamer } from "./serving-log/asked-service.ts";
