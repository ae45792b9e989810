/** Generates an exploded source over a table, and turns views over it into views of elements. */
import { makeDefinition } from "../../../packages/core/src/define/definition.ts";
import { readSource } from "../../../packages/core/src/define/derived-source.ts";
import { explodedSource } from "../../../packages/core/src/define/exploded-source.ts";
import type {
  AggregateOptions,
  CallOptions,
  ColumnSpec,
  Expression,
  Value,
} from "../../../packages/core/src/specs.ts";
import type { GeneratedTable } from "./definitions.ts";
import {
  columnNode,
  comparisons,
  conditionNode,
  conversionNode,
  literalNode,
} from "./expressions.ts";
import { joined, listNode, numberText } from "./list-values.ts";
import type { Random } from "./random.ts";
import type { GeneratedUnion } from "./union-view.ts";

/** A type of elements, with values that are worth comparing with. */
interface ElementKind {
  readonly options: CallOptions;
  readonly pool: readonly Value[];
  /** JSON texts of elements. Without them, they are numbers of columns. */
  readonly texts?: readonly string[] | undefined;
}

const kinds: readonly ElementKind[] = [
  { options: { type: "int64" }, pool: [0n, 1n, -1n, 7n] },
  { options: { type: "float64" }, pool: [0, 1, -1, 2.5, 7] },
  { options: { type: "decimal", precision: 38, scale: 2 }, pool: [0n, 100n, 250n, 700n] },
  {
    options: { type: "string" },
    pool: ["a", "b", ""],
    texts: ['"a"', '"b"', '"b"', '""', "null", "1"],
  },
  { options: { type: "boolean" }, pool: [true, false], texts: ["true", "false", "null"] },
];
const item: CallOptions = {
  type: "struct",
  parts: JSON.stringify([
    { name: "n", type: "float64" },
    { name: "s", json: "text", type: "string" },
  ]),
};
const text = { type: "string", nullable: false } as const;
const ELEMENT = "element_9";

/** An exploded source as a table that views are generated over. */
export interface GeneratedExploded extends GeneratedUnion {
  /** Aggregations of elements that are structs. */
  readonly ofStructs: readonly GeneratedTerm[];
}

/** An aggregation of one argument. */
interface GeneratedTerm {
  readonly aggregate: string;
  readonly argument: Expression;
  readonly options?: AggregateOptions | undefined;
}

/** Makes a source of the elements of a list in rows of the table. Some elements are structs. */
export function generatedExploded(random: Random, first: GeneratedTable): GeneratedExploded {
  const values = first.source.columns.filter((one) => /_\d$/.test(one.name));
  const kind = random.chance(0.3) ? null : random.pick(kinds);
  const elementText = (columns: readonly ColumnSpec[]): Expression => {
    if (kind === null) return structText(random, columns);
    return kind.texts === undefined
      ? numberText(random, columns)
      : literalNode(random.pick(kind.texts), text);
  };
  const list = listNode(random, values, kind?.options ?? item, elementText);
  const [left, right] = [random.pick(values), random.pick(values)];
  const rows =
    left.type !== right.type || left.type === "json" || random.chance(0.5)
      ? conditionNode("isNotNull", columnNode(left))
      : conditionNode(random.pick(comparisons), columnNode(left), columnNode(right));
  const name = "baskets";
  const read = makeDefinition(
    {
      kind: "derived source",
      name,
      spec: first.source,
      lookups: [],
      through: [],
      rows: random.chance(0.4) ? rows : null,
      computed: new Map(),
    },
    name,
  );
  const listState = {
    kind: "expression",
    source: name,
    columns: [],
    expression: list,
    size: 1,
    text: "list",
  } as const;
  const exploded = readSource(
    explodedSource("items", {
      from: read,
      list: makeDefinition(listState, "list"),
      as: ELEMENT,
    } as never),
  )!;
  const isShown = (column: ColumnSpec): boolean =>
    !column.name.startsWith("~") && (kind !== null || column.name !== ELEMENT);
  const element = columnNode(exploded.spec.columns.find((one) => one.name === ELEMENT)!);
  return {
    table: {
      ...first,
      source: { ...exploded.spec, columns: exploded.spec.columns.filter(isShown) },
      pools: kind === null ? first.pools : [...first.pools, kind.pool],
    },
    over: (view) => ({ ...view, source: exploded.spec, parts: exploded.parts }),
    ofStructs: kind === null ? memberTerms(element) : [],
  };
}

/** The JSON text of an object with a number. */
function structText(random: Random, columns: readonly ColumnSpec[]): Expression {
  if (random.chance(0.2)) return literalNode(random.pick(["null", "7", "{}"]), text);
  return joined([
    literalNode('{"n":', text),
    numberText(random, columns),
    literalNode(random.pick([',"text":"a"}', ',"text":"b"}', ',"text":null}', "}"]), text),
  ]);
}

function memberTerms(element: Expression): readonly GeneratedTerm[] {
  const member = (name: string): Expression => {
    const { name: _, ...field } = element.fields!.find((one) => one.name === name)!;
    return conversionNode("member", element, { ...field, nullable: true }, { name });
  };
  return [
    { aggregate: "sum", argument: member("n") },
    { aggregate: "countDistinct", argument: member("s") },
    { aggregate: "last", argument: element },
    { aggregate: "lastN", argument: element, options: { n: 3, distinct: false } },
  ];
}
