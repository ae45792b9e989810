/**
 * Generates edits of definitions, as a team makes them between two days: of columns, features,
 * windows, filters, keys, times, entities and views.
 */
import type { SourceSpec, Value, ViewSpec } from "../../../packages/core/src/specs.ts";
import {
  addColumn,
  dropColumn,
  otherEventTime,
  otherPrimaryKey,
  otherTieColumn,
  renameColumn,
  renameTable,
  retypeColumn,
} from "./column-edits.ts";
import type { DefinitionSet } from "./definition-set.ts";
import { otherExpectation } from "./expectation-edits.ts";
import {
  addFeature,
  dropFeature,
  dropView,
  longerWindow,
  otherEntity,
  otherFilter,
  renameFeature,
  returnView,
  shorterWindow,
} from "./feature-edits.ts";
import type { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";

/** What an edit draws from. */
export interface EditContext {
  readonly random: Random;
  readonly scenario: Scenario;
  /** The values that a column has in the log, as its declared type. */
  readonly valuesOf: (source: SourceSpec, column: string) => readonly Value[];
  /** The views that were dropped before. */
  readonly dropped: readonly ViewSpec[];
  /** A number that no earlier edit of the scenario had; names are made with it. */
  readonly number: number;
}

/** Makes an edit. Null: the definitions have nothing that it could change. */
export type Edit = (set: DefinitionSet, context: EditContext) => DefinitionSet | null;

/** The edits by kind. */
export const definitionEdits = {
  "add column": addColumn,
  "drop column": dropColumn,
  "rename column": renameColumn,
  "rename table": renameTable,
  "retype column": retypeColumn,
  "other primary key": otherPrimaryKey,
  "other event time": otherEventTime,
  "other tie column": otherTieColumn,
  "other expectation": otherExpectation,
  "add feature": addFeature,
  "drop feature": dropFeature,
  "rename feature": renameFeature,
  "longer window": longerWindow,
  "shorter window": shorterWindow,
  "other filter": otherFilter,
  "other entity": otherEntity,
  "view goes": dropView,
  "view comes": returnView,
} as const satisfies Readonly<Record<string, Edit>>;

/** The kind of an edit. */
export type EditKind = keyof typeof definitionEdits;

/** The kinds of edits. */
export const editKinds: readonly EditKind[] = Object.keys(definitionEdits) as EditKind[];

/** Returns the definitions with which a scenario begins: a part of the columns and features. */
export function firstDefinitions(random: Random, scenario: Scenario): DefinitionSet {
  let set: DefinitionSet = {
    sources: scenario.sources,
    entities: scenario.entities,
    views: scenario.views,
  };
  const context = { random, scenario, valuesOf: () => [], dropped: [], number: 0 };
  if (random.chance(0.5)) set = dropView(set, context) ?? set;
  for (let n = random.between(2, 5); n > 0; n--) set = dropColumn(set, context) ?? set;
  for (let n = random.between(1, 4); n > 0; n--) set = dropFeature(set, context) ?? set;
  return set;
}
