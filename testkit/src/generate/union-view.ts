/** Generates a union of two tables, and turns views over it into views of its parts. */
import { makeDefinition } from "../../../packages/core/src/define/definition.ts";
import { readSource } from "../../../packages/core/src/define/derived-source.ts";
import { from, unionSource } from "../../../packages/core/src/define/union-source.ts";
import type {
  ColumnSpec,
  Expression,
  SourceSpec,
  UnionPart,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { GeneratedTable } from "./definitions.ts";
import { columnNode, comparisons, conditionNode, randomNumber } from "./expressions.ts";
import type { Random } from "./random.ts";

/** A union as a table that views are generated over, and what makes them views of the union. */
export interface GeneratedUnion {
  readonly table: GeneratedTable;
  readonly over: (view: ViewSpec) => ViewSpec;
}

/**
 * Makes a union of the first table and another one. Without another one the first table is read
 * twice: its rows belong to the account, and to the one that it deals with.
 */
export function generatedUnion(
  random: Random,
  first: GeneratedTable,
  second: GeneratedTable | undefined,
): GeneratedUnion {
  const other = second ?? first;
  const inOther = (column: ColumnSpec): ColumnSpec | undefined => {
    if (second === undefined && column.name === "account_1")
      return columnNamed(first.source, "counter");
    if (column.name.startsWith("account_")) return columnNamed(other.source, column.name);
    const fitting = other.source.columns.filter(
      ({ name, type, scale }) =>
        /_\d$/.test(name) &&
        !name.startsWith("account_") &&
        type === column.type &&
        scale === column.scale,
    );
    return fitting.length === 0 ? undefined : random.pick(fitting);
  };
  const found = first.source.columns.flatMap((column, index) => {
    const twin = /_\d$/.test(column.name) ? inOther(column) : undefined;
    return twin === undefined ? [] : [{ column, index, twin }];
  });
  if (second !== undefined && found.length < 4) return generatedUnion(random, first, undefined);
  const columns = found.map(({ column, twin }): ColumnSpec => ({
    ...column,
    database: column.name,
    nullable: column.nullable || twin.nullable,
  }));
  const parts = [
    partOf(
      random,
      "movements",
      first.source,
      found.map(({ column }) => column),
      columns,
    ),
    partOf(
      random,
      "others",
      other.source,
      found.map(({ twin }) => twin),
      columns,
    ),
  ];
  const union = readSource(
    unionSource("both", {
      columns: Object.fromEntries(
        columns.map((spec) => [
          spec.name,
          makeDefinition({ kind: "column type", spec }, `column ${spec.name}`),
        ]),
      ),
      of: parts,
    } as never),
  )!;
  const shown = union.spec.columns.filter(({ name }) => !name.startsWith("~"));
  return {
    table: {
      ...first,
      source: { ...union.spec, columns: shown },
      pools: shown.map(({ name }) => {
        const one = found.find(({ column }) => column.name === name);
        return one === undefined ? ["movements", "others"] : first.pools[one.index]!;
      }),
    },
    over: (view) => ({ ...view, source: union.spec, parts: union.parts }),
  };
}

/** One part, sometimes of those rows alone that meet a condition. */
function partOf(
  random: Random,
  name: string,
  source: SourceSpec,
  columns: readonly ColumnSpec[],
  named: readonly ColumnSpec[],
): unknown {
  const values = source.columns.filter((one) => /_\d$/.test(one.name));
  const [left, right] = [randomNumber(random, values, 1), randomNumber(random, values, 1)];
  const rows =
    left === undefined || right === undefined || random.chance(0.5)
      ? null
      : conditionNode(random.pick(comparisons), left, right);
  const read = makeDefinition(
    {
      kind: "derived source",
      name,
      spec: source,
      lookups: [],
      through: [],
      rows,
      computed: new Map(),
    },
    `derived source ${name}`,
  );
  const expressions = columns.map((column, i) => [named[i]!.name, expressionOf(name, column)]);
  return from(read as never, Object.fromEntries(expressions) as never);
}

function expressionOf(source: string, column: ColumnSpec): unknown {
  const expression = columnNode(column);
  return makeDefinition(
    { kind: "expression", source, columns: [column], expression, size: 1, text: column.name },
    `column ${source}.${column.name}`,
  );
}

function columnNamed({ columns }: SourceSpec, wanted: string): ColumnSpec | undefined {
  return columns.find(({ name }) => name === wanted);
}

/** The view as it reads the table of one part: with its key columns, and without its features. */
export function viewOfPart(view: ViewSpec, { source, rows, columns }: UnionPart): ViewSpec {
  const nameOf = (key: Expression): string => (key.op === "column" ? key.name : "");
  return {
    ...view,
    parts: undefined,
    source,
    rows,
    keyColumns: view.keyColumns.map((name) => nameOf(columns[name]!)),
  };
}
