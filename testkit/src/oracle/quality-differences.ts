/** Compares checks of expectations with the oracle, over the history that a scenario has made. */
import { localEngine } from "../../../packages/core/src/engine/local-engine.ts";
import { openOfflineReader } from "../../../packages/core/src/offline/offline-reader.ts";
import { checkQuality } from "../../../packages/core/src/quality/check-quality.ts";
import type {
  ExpectationSpec,
  Expression,
  QualitySpec,
  TypeSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { OfflineStore } from "../../../packages/core/src/spi.ts";
import { oracleOf, type Scenario } from "../generate/scenario.ts";
import { expectedMeasure } from "./expectations.ts";

/** What was compared, and what differs. */
export interface QualityComparison {
  /** The number of comparisons, by kind of expectation and by target. */
  readonly compared: ReadonlyMap<string, number>;
  readonly differences: readonly string[];
}

/** The most times at which a scenario is checked, and the most features of an entity. */
const MOST_TIMES = 4;
const MOST_FEATURES = 20;

/** Checks expectations of the scenario's views and sources at times of its requests. */
export async function compareQuality(
  scenario: Scenario,
  offline: OfflineStore,
): Promise<QualityComparison> {
  const qualities = new Map(qualitiesOf(scenario).map((one) => [one.name, one]));
  const reader = openOfflineReader(offline, localEngine());
  const oracle = oracleOf(scenario);
  const compared = new Map<string, number>();
  const differences: string[] = [];
  const times = [...new Set(scenario.requests.map(({ time }) => time))];
  for (const t of times.slice(0, MOST_TIMES)) {
    const names = [...qualities.keys()];
    const { results } = await checkQuality(
      { qualities, sources: new Map(), offline, reader },
      { names, t, signal: undefined },
    );
    for (const { quality, expectation, holds, measured, rows, failing, examples } of results) {
      const { on, expectations } = qualities.get(quality)!;
      const spec = expectations.find(({ name }) => name === expectation)!;
      const label = `${spec.kind} on ${on.kind}`;
      compared.set(label, (compared.get(label) ?? 0) + 1);
      const found = JSON.stringify({ holds, measured, rows, failing });
      const expected = JSON.stringify(expectedMeasure(oracle, on, spec, t));
      if (found !== expected || examples.length !== Math.min(failing, 3))
        differences.push(
          `seed ${scenario.seed}, ${quality}.${expectation} (${label}) at ${t}: expected ` +
            `${expected}, found ${found} with ${examples.length} examples`,
        );
    }
  }
  return { compared, differences };
}

function qualitiesOf({ views, selected, entities }: Scenario): readonly QualitySpec[] {
  const severity = "error";
  return [
    // expectations are of the rows of a table
    ...views
      .filter(({ parts }) => parts === undefined)
      .map((view): QualitySpec => {
        const { source, lookups, rows } = view;
        const on = { kind: "source" as const, name: source.name, source };
        return {
          name: `rows of ${view.name}`,
          on: {
            ...on,
            ...(lookups === undefined ? {} : { lookups }),
            ...(rows === undefined ? {} : { rows }),
          },
          severity,
          expectations: rowExpectations(view),
        };
      }),
    ...entities.flatMap((entity): QualitySpec[] => {
      const inputs = selected
        .filter(({ view }) => view.entity.name === entity.name && view.parts === undefined)
        .filter(
          (one, i, all) =>
            all.findIndex(
              ({ view, feature }) =>
                view.name === one.view.name && feature.name === one.feature.name,
            ) === i,
        )
        .map(({ view, feature }) => ({ view, feature }))
        .slice(0, MOST_FEATURES);
      if (inputs.length === 0) return [];
      return [
        {
          name: `features of ${entity.name}`,
          on: { kind: "features", name: "features", inputs },
          severity,
          expectations: inputs.flatMap(({ view, feature }, i): ExpectationSpec[] => {
            const column = columnOf(`${view.name}.${feature.name}`, feature.result);
            return [
              { name: `there_${i}`, kind: "holds", condition: isNotNull(column), share: 0.5 },
              { name: `unique_${i}`, kind: "unique", columns: [column] },
            ];
          }),
        },
      ];
    }),
  ];
}

function rowExpectations(view: ViewSpec): readonly ExpectationSpec[] {
  const { source, features, keyColumns } = view;
  const aggregates = features.flatMap((feature) => feature.function?.aggregates ?? [feature]);
  const keys = keyColumns.map((name) =>
    columnOf(
      name,
      source.columns.find((column) => column.name === name)!,
    ),
  );
  const conditions = aggregates.flatMap(({ where }) => where ?? []).slice(0, 3);
  const inputs = aggregates.flatMap((one) => one.arguments).slice(0, 3);
  const lengths = aggregates.flatMap(({ window }) => (typeof window === "number" ? [window] : []));
  return [
    ...conditions.map((condition, i): ExpectationSpec => ({
      name: `condition_${i}`,
      kind: "holds",
      condition,
      share: 0.5,
    })),
    { name: "keys_there", kind: "holds", condition: isNotNull(keys[0]!), share: 1 },
    { name: "keys_unique", kind: "unique", columns: keys },
    ...inputs.map((input, i): ExpectationSpec => ({
      name: `input_${i}`,
      kind: "unique",
      columns: [input],
    })),
    ...[...new Set(lengths)].slice(0, 2).flatMap((length, i): ExpectationSpec[] => [
      { name: `fresh_${i}`, kind: "fresh", within: length },
      { name: `volume_${i}`, kind: "volume", per: length, atLeast: 1, atMost: 4 },
      {
        name: `usual_${i}`,
        kind: "volume",
        per: length,
        atLeast: null,
        atMost: null,
        usual: { previous: 3 + i, within: 0.5 },
      },
    ]),
  ];
}

function columnOf(name: string, { type, precision, scale, ...rest }: TypeSpec): Expression {
  const { element, keys, values, fields, mode } = rest;
  return {
    op: "column",
    name,
    type,
    nullable: true,
    precision,
    scale,
    mode,
    element,
    keys,
    values,
    fields,
  };
}

function isNotNull(column: Expression): Expression {
  return {
    op: "call",
    function: "isNotNull",
    arguments: [column],
    type: "boolean",
    nullable: false,
  };
}
