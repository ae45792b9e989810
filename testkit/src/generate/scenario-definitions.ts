/** Turns a scenario into definitions for `openStore` and its callers. */
import { makeDefinition } from "../../../packages/core/src/define/definition.ts";
import type { Selection } from "../../../packages/core/src/define/selection.ts";
import { toUser } from "../../../packages/core/src/define/user-values.ts";
import type { ViewSpec } from "../../../packages/core/src/specs.ts";
import type { OracleRequest } from "../oracle/oracle.ts";
import type { Scenario } from "./scenario.ts";

/** The definitions of a scenario. */
export interface ScenarioDefinitions {
  readonly [exported: string]: unknown;
  /** A feature service with every selected feature, under the same names. */
  readonly all: Selection<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>;
}

/** Makes the definitions, with every source, including sources that no view reads. */
export function scenarioDefinitions(
  scenario: Pick<Scenario, "sources" | "selected">,
): ScenarioDefinitions {
  const sources = scenario.sources.map(
    (spec) =>
      [
        `source ${spec.name}`,
        makeDefinition({ kind: "source", spec }, `source ${spec.name}`),
      ] as const,
  );
  return {
    ...Object.fromEntries(sources),
    all: makeDefinition(
      { kind: "service", spec: { name: "all", features: scenario.selected } },
      "feature service all",
    ),
  };
}

/** Returns the scenario with only the wanted views selected. */
export function scenarioWith(scenario: Scenario, wanted: (view: ViewSpec) => boolean): Scenario {
  return {
    ...scenario,
    views: scenario.views.filter(wanted),
    selected: scenario.selected.filter(({ view }) => wanted(view)),
  };
}

/** Returns the keys of a request as a user writes them: those of the selected views only. */
export function requestKeys(
  scenario: Pick<Scenario, "selected">,
  request: OracleRequest,
): Record<string, unknown> {
  const columns = scenario.selected.flatMap(({ view }) => view.entity.keys);
  return Object.fromEntries(
    columns.map((column) => [
      column.name,
      toUser(request.keys[column.name] ?? null, { ...column, mode: undefined }),
    ]),
  );
}
