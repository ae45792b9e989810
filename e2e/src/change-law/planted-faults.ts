/**
 * Faults of changed definitions, planted in the sources of core one at a time. The law must be seen
 * broken with each of them.
 */
import type { EditKind } from "@tidemark/testkit";
import type { SourceFault } from "../planted-faults.ts";
import type { StepKind } from "./steps.ts";

/** A fault of changed definitions. */
export interface ChangeFault extends SourceFault {
  /** The changes that can show the fault, if it takes many seeds of all changes. */
  readonly kinds?: readonly (EditKind | StepKind)[];
}

export const changeFaults: readonly ChangeFault[] = [
  {
    name: "stored rows of an old scale are read with the new one",
    file: "rows/definition-differences.ts",
    find: "precision ?? null, scale ?? null,",
    replace: "precision ?? null, null,",
  },
  {
    name: "a column that the store lacks is read as null",
    file: "rows/definition-differences.ts",
    find: "if (stored === undefined) return `the column ${name}`;",
    replace: "if (stored === undefined) continue;",
  },
  {
    name: "the state of a source is kept across a switch of builds",
    file: "online/known-states.ts",
    find: "known.state.version === (cell?.version ?? null)",
    replace: "known.state.version !== null",
  },
  {
    name: "rows that were stored under another primary key are read",
    file: "rows/definition-differences.ts",
    find: "if (keyOf(stored) !== keyOf(asked))",
    replace: 'if (keyOf(stored) === "")',
  },
  {
    name: "rows that were stored by another event time are read",
    file: "rows/definition-differences.ts",
    find: "if (timeOf(stored) !== timeOf(asked))",
    replace: 'if (timeOf(stored) === "")',
  },
  {
    name: "versions of a dimension with other columns are read",
    file: "online/missing-for-feature.ts",
    find: "if (versions !== null) return versions;",
    replace: 'if (versions === "") return versions;',
  },
  {
    name: "versions of another definition are read as the reader's own",
    file: "offline/versions-definition.ts",
    find: "if (newest === null || covers(source, newest)) return newest;",
    replace: "if (newest === null || log.rows > 0) return newest;",
  },
  {
    name: "columns of the versions are not compared",
    file: "offline/versions-definition.ts",
    find: "columnsDifference(there.columns, source, names)",
    replace: "columnsDifference(there.columns, source, names.slice(0, 0))",
  },
  {
    name: "versions of another primary key are read",
    file: "offline/versions-definition.ts",
    find: "primaryKey: source.primaryKey,",
    replace: "primaryKey: [],",
  },
  {
    name: "an old process compacts with its own columns",
    file: "offline/versions-definition.ts",
    find: "if (isOwnDefinition(source, versions)) return source;",
    replace: "if (isOwnDefinition(source, versions) || versions.rows > 0) return source;",
  },
  {
    name: "a change is not read again under the definition of the reader",
    file: "row-formats/change-reader.ts",
    find: "reading === null ? change : { ...change, ...reading }",
    replace: "reading === null || change.values !== null ? change : { ...change, ...reading }",
  },
  {
    name: "a dropped column shifts the columns after it",
    file: "online/change-projection.ts",
    find: "const indexes = source.columns.map(({ name }) => indexIn(asked, name));",
    replace: "const indexes = source.columns.map((_, index) => index);",
  },
  {
    name: "a store that is filled answers",
    file: "online/missing-features.ts",
    find: "state.isReady && (source.push",
    replace: "(state.isReady || source.push !== true) && (source.push",
  },
  {
    name: "a source is ready with its first change",
    file: "online/source-state.ts",
    find: "ready: state.isReady,",
    replace: "ready: true,",
  },
  {
    name: "a longer window is answered from the rows of a short one",
    file: "online/missing-for-feature.ts",
    find: "isFilled(state, reachOf(feature.window!)) ? null : windowText(feature.window!, layout)",
    replace: "null",
  },
  {
    name: "a window that is not stored decides the status of its view",
    file: "online/prepared-plans.ts",
    find: "isFilledIn(reachOfPlan(plan))) return plan;",
    replace: "inputs.every(({ knownState }) => knownState.state.isReady)) return plan;",
  },
  {
    name: "a run does not write the build in progress",
    file: "online/online-writer.ts",
    find: "for (const cell of inBuild) writes.push(cell);",
    replace: "for (const cell of inBuild.slice(0, 0)) writes.push(cell);",
    kinds: ["retype column", "longer window", "run between two parts of a backfill"],
  },
  {
    name: "an older history is read",
    file: "pairing/pair-problem.ts",
    find: "generationStateOf(state.metadata).generation, seen)",
    replace: "generationStateOf(state.metadata).generation, [])",
  },
];
