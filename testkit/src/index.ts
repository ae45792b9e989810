/** Exports the oracle, its generators, and the comparison of every path with it. */
export {
  compareAnswers,
  comparePaths,
  differenceText,
  feed,
  feedScenario,
  pathReaders,
  scenarioSource,
} from "./oracle/consistency.ts";
export type {
  ConsistencyOptions,
  Difference,
  PathName,
  PathReaders,
  PathStores,
} from "./oracle/consistency.ts";
export {
  Coverage,
  changeKinds,
  combinations,
  nullKinds,
  otherEdges,
  partFunctions,
  windowEdges,
} from "./oracle/coverage.ts";
export { Random } from "./generate/random.ts";
export { fedInMemory } from "./oracle/fed-in-memory.ts";
export { smallLayout, UNMERGED_LAYOUT } from "./generate/small-layout.ts";
export { seedsFromEnvironment } from "./generate/seeds.ts";
export { requestKeys, scenarioDefinitions, scenarioWith } from "./generate/scenario-definitions.ts";
export type { ScenarioDefinitions } from "./generate/scenario-definitions.ts";
export type { CompletedSnapshot } from "./oracle/rows.ts";
export type { OracleAnswer, OracleMode, OracleRequest } from "./oracle/oracle.ts";
export { createOracle } from "./oracle/oracle.ts";
export type { Oracle } from "./oracle/oracle.ts";
export { mergeHistory } from "./oracle/merge-history.ts";
export { compareExplanations } from "./oracle/explanations.ts";
export { compareTimelines } from "./oracle/timelines.ts";
export type { ComparedExplanations } from "./oracle/explanations.ts";
export { compareQuality } from "./oracle/quality-differences.ts";
export type { QualityComparison } from "./oracle/quality-differences.ts";
export { redefinedChanges } from "./oracle/redefined-changes.ts";
export { textOfAll } from "./oracle/values.ts";
export { isUntouched } from "./oracle/untouched-features.ts";
export { selectedIn } from "./generate/definition-set.ts";
export type { DefinitionSet } from "./generate/definition-set.ts";
export { definitionEdits, editKinds, firstDefinitions } from "./generate/definition-edits.ts";
export type { EditKind } from "./generate/definition-edits.ts";
export { generateScenario, oracleOf, otherDelivery } from "./generate/scenario.ts";
export type { Scenario, ScenarioOptions } from "./generate/scenario.ts";
export { lengthOf, seriesAt, windowAt } from "./oracle/windows.ts";
