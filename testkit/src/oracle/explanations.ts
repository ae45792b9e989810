/**
 * Compares explanations with what the paths serve, and computes each part again from the rows that
 * the explanation lists, as a reader of its JSON would.
 */
import assert from "node:assert/strict";
import { mockStore, type MockStore } from "../../../packages/core/src/testing/index.ts";
import { selectionFrom } from "../../../packages/core/src/define/selection.ts";
import { compileQuery } from "../../../packages/core/src/plan/compile.ts";
import { aggregationText } from "../../../packages/core/src/plan/explain.ts";
import type {
  AggregateColumn,
  DerivedColumn,
  FactColumn,
} from "../../../packages/core/src/plan/nodes.ts";
import { expressionText } from "../../../packages/core/src/expr/expression-text.ts";
import { typeSpecOf } from "../../../packages/core/src/expr/tree.ts";
import { aggregateValue } from "../../../packages/core/src/explain/evaluate-plan.ts";
import { explainFeature } from "../../../packages/core/src/explain/explain-feature.ts";
import type {
  ExplainedPart,
  Explanation,
} from "../../../packages/core/src/explain/explain-types.ts";
import { jsonOf, type JsonValue } from "../../../packages/core/src/explain/exact-json.ts";
import { historyRows } from "../../../packages/core/src/explain/history-rows.ts";
import { nothingMasked } from "../../../packages/core/src/explain/masking.ts";
import type { LoggedRows } from "../../../packages/core/src/explain/logged-rows.ts";
import { onlineRows } from "../../../packages/core/src/explain/online-rows.ts";
import { dataText } from "../../../packages/core/src/define/data-text.ts";
import { keysNeeded } from "../../../packages/core/src/request/entity-keys.ts";
import type {
  ColumnSpec,
  Expression,
  SelectedFeature,
  SourceSpec,
  TypeSpec,
  Value,
} from "../../../packages/core/src/specs.ts";
import type { ResultColumns } from "../../../packages/core/src/spi.ts";
import { parseTime } from "../../../packages/core/src/time/parse-time.ts";
import { typeOf } from "../../../packages/core/src/types/value-types.ts";
import { timeOf } from "../../../packages/core/src/define/time-input.ts";
import { scenarioDefinitions } from "../generate/scenario-definitions.ts";
import type { Scenario } from "../generate/scenario.ts";
import { pathReaders, type PathStores } from "./consistency.ts";

/** How many explanations were compared, and what was wrong with some. */
export interface ComparedExplanations {
  readonly explanations: number;
  /** How many of them were run as tests. */
  readonly tests: number;
  readonly parts: number;
  readonly rowsInside: number;
  /** How often each reason was given. */
  readonly reasons: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
}

/** Explains every feature of every request, from the history and online. */
export async function compareExplanations(
  scenario: Scenario,
  stores: PathStores,
): Promise<ComparedExplanations> {
  const { requests, views } = scenario;
  const selected: readonly SelectedFeature[] = [
    ...scenario.selected,
    ...scenario.derived,
    ...scenario.roles.map((one) => one.selected),
  ];
  const readers = pathReaders(scenario, stores);
  const history = historyRows(stores.offline, undefined);
  const online = onlineRows({ store: stores.online, namespace: "test", views, placesOf: null });
  const ways = [
    { from: "history", knowledge: "as-corrected", logged: rememberingRows(history) },
    { from: "history", knowledge: "as-known", logged: rememberingRows(history) },
    { from: "online", knowledge: "as-corrected", logged: rememberingRows(online) },
  ] as const;
  const served = {
    "as-corrected": await readers.history("as-corrected"),
    "as-known": await readers.history("as-known"),
  };
  const faults: string[] = [];
  const reasons = new Map<string, number>();
  let [explanations, parts, rowsInside, tests] = [0, 0, 0, 0];
  for (const [row, { keys, time: t }] of requests.entries()) {
    const answered = await readers.online(row);
    for (const { from, knowledge, logged } of ways)
      for (const [f, one] of selected.entries()) {
        const names = new Set(keysNeeded([one]).map(({ name }) => name));
        const own = Object.fromEntries(Object.entries(keys).filter(([name]) => names.has(name)));
        const explanation = await explainFeature(
          {
            selected: one,
            keys: own,
            t,
            knowledge,
            from,
            maxRows: Infinity,
            masking: nothingMasked,
            exported: new Map(),
          },
          {
            logged,
            answer: async (_, asked) =>
              from === "online" ? rowOf(answered[f]!, 0) : rowOf(served[asked][f]!, row),
          },
        );
        const who =
          `seed ${scenario.seed}, ${from} ${knowledge}, request ${row}, ` + explanation.feature;
        if (from === "history" && explanations % TESTED_EVERY === 0) {
          const fault = await runTest(explanation, scenario, one);
          if (fault !== "not putable") tests++;
          if (fault !== null && fault !== "not putable")
            faults.push(`${who}: as a test: ${fault}\n${explanation.toTest()}`);
        }
        explanations++;
        if (!explanation.isReproduced) faults.push(`${who}: not reproduced\n${explanation}`);
        const again = partsAgain(one, explanation, t);
        parts += explanation.parts.length;
        explanation.parts.forEach((part, p) => {
          rowsInside += part.inside.length;
          for (const { reason } of part.outside)
            reasons.set(reason!, (reasons.get(reason!) ?? 0) + 1);
          if (JSON.stringify(part.value) !== JSON.stringify(again[p]))
            faults.push(
              `${who}: part ${part.name} is ${JSON.stringify(part.value)}, and the rows that are ` +
                `listed give ${JSON.stringify(again[p])}\n${explanation}`,
            );
        });
      }
  }
  return { explanations, tests, parts, rowsInside, reasons, faults };
}

/** One of so many explanations of the history is run as a test. */
const TESTED_EVERY = 37;

const AsyncFunction = (async () => {}).constructor as new (
  ...text: readonly string[]
) => (definitions: object, mock: () => MockStore, check: typeof assert) => Promise<void>;

/**
 * Runs the test of an explanation. null: it holds. A mock store takes no null where the definition
 * allows none, and a log may have it.
 */
async function runTest(
  explanation: Explanation,
  scenario: Scenario,
  one: SelectedFeature,
): Promise<string | null> {
  const text = explanation.toTest();
  const names = /^const \{ .* \} = definitions;$/m.exec(text)![0];
  const body = text.slice(text.indexOf("async () => {") + "async () => {".length);
  const run = new AsyncFunction(
    "definitions",
    "mockStore",
    "assert",
    `${names}\n${body.slice(0, body.lastIndexOf("});"))}`,
  );
  const definitions = scenarioDefinitions(scenario);
  const original = scenario.roles.find((role) => role.selected === one)?.original ?? one;
  const view = { [original.feature.name]: selectionFrom([original]) };
  const sources = scenario.sources.map(({ name }) => [name, definitions[`source ${name}`]]);
  const exported = { ...Object.fromEntries(sources), [original.view.name]: view };
  try {
    await run(exported, () => mockStore(definitions), assert);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return /MOCK_INVALID|null is not allowed/.test(
      message + String((error as { code?: string }).code),
    )
      ? "not putable"
      : message;
  }
}

function rowOf({ values, statuses, times }: ResultColumns, i: number): ResultColumns {
  return { values: [values[i]!], statuses: [statuses[i]!], times: times.subarray(i, i + 1) };
}

/** Reads the rows of each entity once. Places in the log are looked for only once in a while. */
function rememberingRows(logged: LoggedRows): LoggedRows {
  const known = new Map<string, ReturnType<LoggedRows["rowsOf"]>>();
  let calls = 0;
  return {
    ...logged,
    rowsOf(reading, keys) {
      const own = reading.entity.keys.map(({ name }) => keys[name]);
      const id = dataText([reading.source.name, reading.keyColumns, own]);
      let rows = known.get(id);
      if (rows === undefined) known.set(id, (rows = logged.rowsOf(reading, keys)));
      return rows;
    },
    async placesOf(versions) {
      if (calls++ % 50 !== 0) return { origins: new Map(), ends: new Map() };
      const places = await logged.placesOf(versions);
      return places;
    },
  };
}

type PartNode =
  | { readonly kind: "fact"; readonly fact: FactColumn }
  | {
      readonly kind: "aggregate";
      readonly aggregate: AggregateColumn;
      readonly columns: readonly DerivedColumn[];
    };

/** Computes the value of each part from the rows that the explanation lists as inside. */
function partsAgain(
  selected: SelectedFeature,
  explanation: Explanation,
  t: number,
): readonly JsonValue[] {
  const listed = JSON.parse(JSON.stringify(explanation.parts)) as readonly ExplainedPart[];
  const nodes = compileQuery([selected]).views.flatMap(({ plan: { input, columns } }): PartNode[] =>
    input.node === "latest"
      ? input.facts.map((fact) => ({ kind: "fact", fact }))
      : input.aggregates.map((aggregate) => ({ kind: "aggregate", aggregate, columns })),
  );
  return nodes.map((node, p): JsonValue => {
    const part = listed[p]!;
    if (node.kind === "fact") {
      const row = part.inside[0];
      return row === undefined ? null : row.brings[expressionText(node.fact.value)]!;
    }
    const { aggregate, columns } = node;
    if (part.of !== aggregationText(aggregate)) throw new Error(`${part.of} is another aggregate`);
    const type = columns.map(({ value }) => typeNamed(value, aggregate.name)).find((one) => one);
    return jsonOf(valueOfListed(aggregate, part, t), type!);
  });
}

function typeNamed(expression: Expression, name: string): TypeSpec | undefined {
  if (expression.op === "column") return expression.name === name ? expression : undefined;
  if (expression.op === "literal") return undefined;
  return expression.arguments.map((one) => typeNamed(one, name)).find((one) => one !== undefined);
}

/** The aggregate over rows whose columns are what each listed row brings. */
function valueOfListed(aggregate: AggregateColumn, part: ExplainedPart, t: number): Value {
  const columns: ColumnSpec[] = [];
  const asColumn = (expression: Expression): Expression => {
    const name = expressionText(expression);
    const type = typeSpecOf(expression);
    if (!columns.some((column) => column.name === name))
      columns.push({ ...type, name, database: name });
    return { op: "column", name, ...type };
  };
  const over: AggregateColumn = {
    ...aggregate,
    arguments: aggregate.arguments.map(asColumn),
    ...(aggregate.by === undefined
      ? {}
      : { by: { ...aggregate.by, key: asColumn(aggregate.by.key) } }),
    where: null,
  };
  const rows = part.inside.map(({ time, brings }) => ({
    time: parseTime(time!, "UTC")!,
    values: columns.map((column) => valueOfJson(brings[column.name]!, column)),
  }));
  const source = { name: "listed", columns } as unknown as SourceSpec;
  return aggregateValue(source, over, rows, t);
}

/** Reads a value of an explanation back. */
function valueOfJson(json: JsonValue, type: TypeSpec): Value {
  if (json === null) return null;
  switch (type.type) {
    case "int64":
      return BigInt(json as string | number);
    case "json":
      return json as string;
    case "bytes":
      return Uint8Array.from(Buffer.from(json as string, "base64"));
    case "list":
      return (json as readonly JsonValue[]).map((one) => valueOfJson(one, type.element!));
    case "struct":
      return type.fields!.map((field) =>
        valueOfJson((json as { readonly [name: string]: JsonValue })[field.name]!, field),
      );
    case "map":
      return (
        Array.isArray(json) ? (json as [JsonValue, JsonValue][]) : Object.entries(json as object)
      ).map(([key, value]) => [
        valueOfJson(key as JsonValue, type.keys!),
        valueOfJson(value as JsonValue, type.values!),
      ]);
    default:
      return typeOf(type).fromUser(json, type, (time) => timeOf(time, "an explanation"))!;
  }
}
