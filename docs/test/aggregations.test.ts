/**
 * docs/aggregations.md lists the registry of aggregators. After a change of a record, `npm test --
 * docs/test/aggregations -u` writes the tables again.
 */
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { join } from "node:path";
import { expect, test } from "vitest";
import type {
  Aggregator,
  AggregatorExample,
  SqlSupport,
  StateClass,
} from "../../packages/core/src/aggregate/aggregator.ts";
import { aggregators } from "../../packages/core/src/aggregate/registry.ts";
import { accepts } from "../../packages/core/src/define/aggregation-kind.ts";
import { valueAt } from "../../packages/core/src/columns/batch.ts";
import { localEngine } from "../../packages/core/src/engine/local-engine.ts";
import { fieldNames, struct } from "../../packages/core/src/expr/functions/parts.ts";
import { callExpression } from "../../packages/core/src/expr/tree.ts";
import { planOf } from "../../packages/core/src/plan/compile.ts";
import type {
  ColumnSpec,
  Expression,
  FeatureSpec,
  TypeSpec,
  Value,
  ValueType,
} from "../../packages/core/src/specs.ts";
import { typeOf } from "../../packages/core/src/types/value-types.ts";
import { entityRows, eventsOf } from "../../packages/core/src/testing/engine-cases.ts";
import { computed } from "../../packages/core/src/testing/engine-queries.ts";
import { column, VALUE_TYPES } from "../../packages/core/test/support/any-value.ts";
import { pageOf, root } from "./support/page.ts";

const HOUR = 3_600_000_000;
const NOW = 12 * HOUR;
const DAY = 24 * HOUR;
/** The rows of the examples, as LANGUAGE.md has them. */
const rows = [
  ["r1", 6, 2, "a", true],
  ["r2", 8, 4, "b", false],
  ["r3", 8, 4, "a", false],
  ["r4", 10, null, "c", true],
  ["r5", 11, 10, null, true],
] as const;
const columns: readonly ColumnSpec[] = [
  column("id", "string", { nullable: false }),
  column("time", "timestamp", { nullable: false }),
  column("x", "float64"),
  column("k", "string"),
  column("ok", "boolean"),
  column("hour", "int32"),
  column("v", "list", { element: { type: "float64", nullable: true } }),
];

/** The arguments of an example. An object of columns is a struct. */
function inputsOf(names: AggregatorExample["arguments"]): readonly Expression[] {
  const columnOf = (name: string): ColumnSpec => columns.find((one) => one.name === name)!;
  return names.map((name) =>
    typeof name === "string"
      ? columnNode(columnOf(name))
      : callExpression(
          struct,
          Object.values(name).map((one) => columnNode(columnOf(one))),
          { names: fieldNames(Object.keys(name)) },
        ),
  );
}

/** Computes an example with the engine. */
async function answerOf(aggregator: Aggregator, i: number): Promise<Value> {
  const { arguments: names, options } = aggregator.examples[i]!;
  const inputs = inputsOf(names);
  const feature: FeatureSpec = {
    name: "f",
    aggregate: aggregator.name,
    ...(options === undefined ? {} : { options }),
    arguments: inputs,
    window: aggregator.isFact === true ? null : DAY,
    where: null,
    default: undefined,
    result: { ...aggregator.result(inputs, options ?? {}), name: "f", database: "f" },
  };
  const plan = planOf(
    {
      name: "v",
      kind: aggregator.isFact === true ? "latest" : "window",
      entity: { name: "e", keys: [] },
      source: {
        name: "rows",
        table: "public.rows",
        columns,
        primaryKey: ["id"],
        eventTime: { kind: "column", column: "time" },
        createdAt: null,
      },
      keyColumns: [],
      features: [feature],
      ttl: null,
    },
    [feature],
  );
  const events = eventsOf(
    plan,
    rows.map(([id, hour, x, k, ok]) => ({
      entity: 0,
      time: hour * HOUR,
      from: -Infinity,
      to: Infinity,
      values: { id, time: hour * HOUR, x, k, ok, hour, v: [x, hour] },
    })),
  );
  const asked = entityRows([0, NOW]);
  const [found] = await computed(localEngine(), plan, events, asked);
  return valueAt(found!.values, 0);
}

const examples = aggregators.flatMap((aggregator) =>
  aggregator.examples.map(({ call, answer }, i) => ({ aggregator, call, answer, i })),
);

test.each(examples)("$call = $answer", async ({ aggregator, answer, i }) => {
  expect(await answerOf(aggregator, i)).toEqual(answer);
});

/** Lists and maps are shown as their JSON. */
function textOf(value: Value, form?: TypeSpec): string {
  if (value === null) return "null";
  const json = Array.isArray(value) ? typeOf(form!).jsonText(form!) : null;
  return `\`${json === null ? String(value as string) : json(value)}\``;
}

/** What the arguments may be: the types of its arguments, in words. */
function takenText({ parameters }: Aggregator): string {
  const words = {
    any: "any",
    ordered: "all but `json`",
    key: "all but `float64` and `json`",
    number: "numbers",
    boolean: "`boolean`",
    numbers: "lists of numbers",
  };
  if (parameters.length === 0) return "nothing";
  const [first, second] = parameters.map(({ accepts: wanted, optional }) =>
    optional === true ? `nothing, or ${words[wanted]}` : words[wanted],
  );
  return second === undefined || second === first ? first! : `${first}; ${second}`;
}

/** The types of the answers, for all types that the argument may have. */
function answersText({ parameters: [parameter], result }: Aggregator): string {
  if (parameter?.accepts === "numbers") return "`list`";
  const types = VALUE_TYPES.filter((type) => accepts(parameter?.accepts ?? "any", type));
  const found = types.map((type) => result([column("x", type)], {}).type);
  if (types.every((type, i) => type === found[i]) && types.length > 1) return "the same type";
  return [...new Set<ValueType>(found)].map((type) => `\`${type}\``).join(", ");
}

function emptyText({ empty, result, examples, parameters: [parameter] }: Aggregator): string {
  const type = accepts(parameter?.accepts ?? "any", "float64") ? "float64" : "string";
  const input = parameter?.accepts === "numbers" ? columns.at(-1)! : column("x", type);
  const { options = {} } = examples[0]!;
  const form = result([input], options);
  return textOf(empty(form, options), form);
}

/** The form of the answer of an example. */
function formOf({ result }: Aggregator, example: AggregatorExample): TypeSpec {
  return result(inputsOf(example.arguments), example.options ?? {});
}

const STATES: Readonly<Record<StateClass, string>> = {
  invertible: "of a bounded size; what leaves is subtracted",
  multiset: "the different values with their counts; what leaves is subtracted",
  mergeable: "one value; it is made again when a row leaves",
  ordered: "merges with that of the rows before or after it; it is made again when a row leaves",
  rows: "what it needs of each row",
  fact: "none: the newest row",
};

const SQL: Readonly<Record<SqlSupport | "none", string>> = {
  answer: "the answer",
  partial: "exact partial results, which Tidemark rounds once",
  none: "nothing; these are not compared",
};

const tables: Readonly<Record<string, readonly (readonly string[])[]>> = {
  rows: rows.map(([id, hour, x, k, ok]) => [
    id,
    `${String(hour).padStart(2, "0")}:00`,
    ...[x, k, ok, hour].map((value) => (value === null ? "null" : `\`${value}\``)),
    `\`[${x},${hour}]\``,
  ]),
  aggregations: aggregators.map((one) => [
    `\`${one.examples[0]!.call}\``,
    takenText(one),
    answersText(one),
    emptyText(one),
    one.rule,
    one.examples
      .map((example) => `\`${example.call}\` = ${textOf(example.answer, formOf(one, example))}`)
      .join("; "),
  ]),
  sql: Object.entries(SQL).map(([form, text]) => [
    text,
    aggregators
      .filter(({ sql = "none" }) => sql === form)
      .map(({ name }) => `\`${name}\``)
      .join(", "),
  ]),
  states: Object.entries(STATES).map(([state, text]) => [
    text,
    aggregators
      .filter((one) => one.class === state)
      .map(({ name }) => `\`${name}\``)
      .join(", "),
  ]),
};

test("the page has every aggregation of the registry", async () => {
  const shown = Object.entries(tables).reduce((page, [name, cells]) => {
    const lines = cells.map((row) => `| ${row.join(" | ")} |\n`).join("");
    return page.replace(
      new RegExp(`(\\n\\|[-|]+\\|\\n)(?:\\|[^\\n]*\\n)*<!-- ${name} -->`),
      (_, head: string) => `${head}${lines}<!-- ${name} -->`,
    );
  }, pageOf("docs/aggregations.md").text);
  await expect(shown).toMatchFileSnapshot(join(root, "docs/aggregations.md"));
});
