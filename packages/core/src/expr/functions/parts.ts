/** Functions that take a part out of a list, a map or a struct. */
import type { FieldSpec, TypeSpec, Value } from "../../specs.ts";
import { typeOf } from "../../types/value-types.ts";
import { isNumber } from "../number-types.ts";
import { compareNumbers, type HeldNumber } from "../numbers.ts";
import type { Call, ScalarFunction } from "../scalar-function.ts";
import { typeSpecOf } from "../tree.ts";

type Parts = readonly Value[];

/** Names the fields of a struct in the options of a call: the names have no comma. */
export function fieldNames(names: readonly string[]): string {
  return names.join(",");
}

export const struct: ScalarFunction = {
  name: "struct",
  signature: "{ name: any, … } → struct",
  rule:
    "written as an object that `first`, `last`, `firstN`, `lastN`, `minBy`, `maxBy`, `topKBy` " +
    "and `bottomKBy` take; it is never null, its members may be",
  example: ["struct({ web: 2, app: null })", '{"web":2,"app":null}'],
  typeRule({ arguments: members, options }) {
    const names = String(options["names"]).split(",");
    const fields = members.map((one, i) => ({ ...typeSpecOf(one), name: names[i]! }));
    return { type: "struct", nullable: false, fields };
  },
  kernel(members) {
    const readers = members.map(({ read }) => read);
    return (row) => readers.map((read) => read(row));
  },
  sql({ arguments: members }, print) {
    return { text: `ROW(${members.map((_, i) => print(i)).join(", ")})`, rank: "atom" };
  },
};

export const member: ScalarFunction = {
  name: "member",
  signature: "struct, name → the type of the member",
  rule: "the value of the member",
  example: ['member({ web: 2, app: null }, "web")', "2"],
  typeRule(call) {
    const struct = call.arguments[0]!;
    const { fields } = struct;
    if (struct.type !== "struct" || fields === undefined)
      return call.refuse("TYPE_MISMATCH", `only a struct has members, and it got ${struct.type}`);
    const field = fields[memberIndex(fields, call.options)];
    if (field === undefined)
      return call.refuse(
        "TYPE_MISMATCH",
        `it has no member ${JSON.stringify(call.options["name"])}, only ` +
          fields.map(({ name }) => name).join(", "),
      );
    return { ...typeSpecOf(field), nullable: field.nullable || struct.nullable };
  },
  kernel([struct], { call }) {
    const { read, spec } = struct!;
    const index = memberIndex(spec.fields!, call.options!);
    return (row) => (read(row) as Parts | null)?.[index] ?? null;
  },
  sql: ({ options }, print) => ({
    text: `${print(0)}."${String(options!["name"]).replaceAll('"', '""')}"`,
    rank: "atom",
  }),
};

function memberIndex(fields: readonly FieldSpec[], options: Call["options"]): number {
  return fields.findIndex(({ name }) => name === options["name"]);
}

export const elementOf: ScalarFunction = {
  name: "elementOf",
  signature: "list, index → the type of elements",
  rule: "index 0 is the first element, −1 the last; null where there is none",
  example: ["elementOf([3, 5, 8], -1)", "8"],
  typeRule: (call) => ({ ...typeSpecOf(elementType(call)), nullable: true }),
  kernel([list], { call }) {
    const { read } = list!;
    const index = Number(call.options!["index"]);
    return (row) => (read(row) as Parts | null)?.at(index) ?? null;
  },
  sql({ options }, print) {
    const index = Number(options!["index"]);
    return { text: `ELEMENT_AT(${print(0)}, ${index < 0 ? index : index + 1})`, rank: "atom" };
  },
};

/** The type of the elements of a call's list. */
export function elementType(call: Call): TypeSpec {
  const { type, element } = call.arguments[0]!;
  return type === "list" && element !== undefined
    ? element
    : call.refuse("TYPE_MISMATCH", `only a list has elements, and it got ${type}`);
}

/** Makes the comparison of two present values; numbers of different types by exact value. */
function equality(a: TypeSpec, b: TypeSpec): (left: Value, right: Value) => boolean {
  if (isNumber(a))
    return (left, right) => compareNumbers(left as HeldNumber, a, right as HeldNumber, b) === 0;
  const { compare } = typeOf(a);
  return (left, right) => compare(left as never, right as never) === 0;
}

function checkComparable(call: Call, part: TypeSpec, what: string): void {
  const wanted = call.arguments[1]!;
  if (!typeOf(part).isOrdered)
    call.refuse("TYPE_MISMATCH", `${what} are of type ${part.type}, which has no order`);
  if (part.type !== wanted.type && !(isNumber(part) && isNumber(wanted)))
    call.refuse("TYPE_MISMATCH", `${what} are ${part.type}, and it got ${wanted.type}; cast one`);
}

export const contains: ScalarFunction = {
  name: "contains",
  signature: "list of ordered, ordered → boolean",
  rule: "equal to an element; missing elements equal nothing, so without an equal one it is false",
  example: ['contains(["a", null], "b")', "false"],
  typeRule(call) {
    checkComparable(call, elementType(call), "its elements");
    return { type: "boolean", nullable: call.arguments.some(({ nullable }) => nullable) };
  },
  kernel([list, wanted]) {
    const isEqual = equality(list!.spec.element!, wanted!.spec);
    return (row) => {
      const elements = list!.read(row) as Parts | null;
      const value = wanted!.read(row);
      if (elements === null || value === null) return null;
      return elements.some((element) => element !== null && isEqual(element, value));
    };
  },
  sql: (_, print) => ({
    text: `COALESCE(CONTAINS(${print(0)}, ${print(1)}), FALSE)`,
    rank: "atom",
  }),
};

export const valueAt: ScalarFunction = {
  name: "valueAt",
  signature: "map, key → the type of values",
  rule: "the value of the key; null where the map has no such key",
  example: ['valueAt(new Map([["web", 2]]), "app")', "null"],
  typeRule(call) {
    const { type, keys, values } = call.arguments[0]!;
    if (type !== "map" || keys === undefined || values === undefined)
      return call.refuse("TYPE_MISMATCH", `only a map has keys, and it got ${type}`);
    checkComparable(call, keys, "its keys");
    return { ...typeSpecOf(values), nullable: true };
  },
  kernel([map, key]) {
    const isEqual = equality(map!.spec.keys!, key!.spec);
    return (row) => {
      const pairs = map!.read(row) as readonly Parts[] | null;
      const wanted = key!.read(row);
      if (pairs === null || wanted === null) return null;
      return pairs.find((pair) => isEqual(pair[0]!, wanted))?.[1] ?? null;
    };
  },
  sql: (_, print) => ({ text: `ELEMENT_AT(${print(0)}, ${print(1)})`, rank: "atom" }),
};
