/** Generates lists in rows: JSON arrays, written with the values of columns. */
import type {
  CallOptions,
  ColumnSpec,
  Expression,
  TypeSpec,
} from "../../../packages/core/src/specs.ts";
import { columnNode, conditionNode, conversionNode, literalNode } from "./expressions.ts";
import type { Random } from "./random.ts";

const text: TypeSpec = { type: "string", nullable: false };
const isNumber = ({ type }: TypeSpec): boolean =>
  ["int32", "int64", "float64", "decimal"].includes(type);

/** Makes a list of numbers of one type, which has zero to three elements or is null. */
export function numbersNode(random: Random, columns: readonly ColumnSpec[]): Expression {
  return listNode(random, columns, random.pick(numberTypes), (source) =>
    numberText(random, source),
  );
}

/** The types of elements, as options of a call name them. */
const numberTypes: readonly CallOptions[] = [
  { type: "float64" },
  { type: "int64" },
  { type: "int32" },
  { type: "decimal", precision: 38, scale: 2 },
];

/**
 * Makes a list of such elements: those of one array or another one, by what columns of the row say.
 * `elementText` gives the JSON text of an element.
 */
export function listNode(
  random: Random,
  columns: readonly ColumnSpec[],
  element: CallOptions,
  elementText: (columns: readonly ColumnSpec[]) => Expression,
): Expression {
  const arrayOf = (length: number): Expression =>
    joined([
      literalNode("[", text),
      ...Array.from({ length }, (_, i) => [
        ...(i === 0 ? [] : [literalNode(",", text)]),
        elementText(columns),
      ]).flat(),
      literalNode("]", text),
    ]);
  const other = random.chance(0.2)
    ? literalNode(random.pick(['"none"', "{}", "null", "not JSON"]), text)
    : arrayOf(random.between(0, 3));
  const chosen: Expression = {
    op: "call",
    function: "caseWhen",
    arguments: [
      conditionNode("isNotNull", columnNode(random.pick(columns))),
      arrayOf(random.pick([1, 2, 2, 3])),
      other,
    ],
    ...text,
  };
  const document = conversionNode(
    "cast",
    chosen,
    { type: "json", nullable: true },
    { type: "json" },
  );
  return conversionNode(
    "jsonPath",
    document,
    { type: "list", nullable: true, element: typeOfOptions(element) },
    { path: "$", type: "list", parts: JSON.stringify([element]) },
  );
}

/** The type that options name, as a definition has it. */
function typeOfOptions({ type, precision, scale, parts }: CallOptions): TypeSpec {
  const fields = parts === undefined ? [] : (JSON.parse(String(parts)) as readonly CallOptions[]);
  return {
    type: type as TypeSpec["type"],
    nullable: true,
    ...(precision === undefined ? {} : { precision: Number(precision), scale: Number(scale) }),
    ...(parts === undefined
      ? {}
      : { fields: fields.map((one) => ({ ...typeOfOptions(one), name: String(one["name"]) })) }),
  };
}

/** The JSON text of a number: of a column, or one that is written. Sometimes it is null. */
export function numberText(random: Random, columns: readonly ColumnSpec[]): Expression {
  const numbers = columns.filter(isNumber);
  if (numbers.length === 0 || random.chance(0.2))
    return literalNode(random.pick(["0", "-1", "2.5", "1e2", "9007199254740993", "null"]), text);
  const column = columnNode(random.pick(numbers));
  const written = conversionNode(
    "cast",
    column,
    { ...text, nullable: column.nullable },
    { type: "string" },
  );
  return {
    op: "call",
    function: "coalesce",
    arguments: [written, literalNode(random.pick(["null", "0", "7"]), text)],
    ...text,
  };
}

/** One text after the other. */
export function joined(texts: readonly Expression[]): Expression {
  return texts.reduce((before, after) => ({
    op: "call",
    function: "concat",
    arguments: [before, after],
    ...text,
  }));
}
