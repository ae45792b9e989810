/** Exports the oracle, its generators, and the comparison of every path with it. */
export {
  compareAnswers,
  comparePaths,
  differenceText,
  feed,
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
export { Coverage, changeKinds, nullKinds, otherEdges, windowEdges } from "./oracle/coverage.ts";
export { Random } from "./generate/random.ts";
export { seedsFromEnvironment } from "./generate/seeds.ts";
export { requestKeys, scenarioDefinitions, scenarioWith } from "./generate/scenario-definitions.ts";
export type { ScenarioDefinitions } from "./generate/scenario-definitions.ts";
export type { CompletedSnapshot } from "./oracle/rows.ts";
export type { OracleAnswer, OracleMode, OracleRequest } from "./oracle/oracle.ts";
export { generateScenario, oracleOf, otherDelivery } from "./generate/scenario.ts";
export type { Scenario, ScenarioOptions } from "./generate/scenario.ts";
