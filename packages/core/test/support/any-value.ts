/** Values of every type for property tests: plain, odd and extreme ones. */
import fc from "fast-check";
import type { ColumnSpec, ScalarType, TypeSpec, ValueType, Value } from "../../src/specs.ts";
import { wellFormedText } from "../../src/bytes/utf8.ts";
import { compareValues } from "../../src/columns/compare.ts";

export const VALUE_TYPES: readonly ScalarType[] = [
  "string",
  "boolean",
  "int32",
  "int64",
  "float64",
  "decimal",
  "timestamp",
  "date",
  "bytes",
  "json",
];

export function column(name: string, type: ValueType, more: Partial<ColumnSpec> = {}): ColumnSpec {
  return {
    name,
    database: name,
    type: type,
    nullable: true,
    ...(type === "decimal" ? { precision: 38, scale: 4 } : {}),
    ...more,
  };
}

const part = (type: ScalarType, nullable: boolean): TypeSpec => ({
  type,
  nullable,
  ...(type === "decimal" ? { precision: 38, scale: 4 } : {}),
});

/** Columns whose values have parts, of parts of every type. */
export const NESTED_COLUMNS: readonly ColumnSpec[] = [
  ...VALUE_TYPES.map((type) =>
    column(`list of ${type}`, "list", { element: part(type, type !== "int64") }),
  ),
  column("text to count", "map", { keys: part("string", false), values: part("int64", false) }),
  column("number to texts", "map", {
    keys: part("int64", false),
    values: { type: "list", nullable: true, element: part("string", true) },
  }),
  column("decimal to struct", "map", {
    keys: part("decimal", false),
    values: { type: "struct", nullable: true, fields: [{ ...part("date", true), name: "day" }] },
  }),
  column("struct", "struct", {
    fields: VALUE_TYPES.map((type) => ({ ...part(type, type !== "string"), name: `${type} f` })),
  }),
  column("list of structs", "list", {
    element: {
      type: "struct",
      nullable: true,
      fields: [
        { ...part("string", true), name: "__proto__" },
        { type: "list", nullable: true, element: part("float64", true), name: "list" },
      ],
    },
  }),
];

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 50n,
    -(2n ** 50n),
    2n ** 50n - 1n,
    2n ** 53n + 1n,
  ),
);
const micros = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(
    2 ** 53 - 1,
    1 - 2 ** 53,
    2 ** 51,
    2 ** 51 - 1,
    -(2 ** 51),
    2 ** 52,
    1_741_064_767_123_456,
  ),
);
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 0.1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE),
  fc.integer({ min: -3, max: 3 }),
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    "",
    "a",
    "é€😀",
    "\uFFFD",
    "\u0000",
    "x".repeat(41),
    "é".repeat(42),
    "\ufeffmark",
    "\ud800",
    "\udc00\ud800",
    "a\ud83d",
  ),
);

/** A value of the type, never null. */
export function anyValue(type: ValueType): fc.Arbitrary<Exclude<Value, null>> {
  switch (type) {
    case "string":
    case "json":
      return text;
    case "boolean":
      return fc.boolean();
    case "int32":
    case "date":
      return fc.oneof(
        fc.integer(),
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(2 ** 31 - 1, -(2 ** 31)),
      );
    case "int64":
      return int64;
    case "float64":
      return double;
    case "decimal":
      return fc.oneof(
        fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
        fc.bigInt({ min: -3n, max: 3n }),
      );
    case "timestamp":
      return micros;
    case "bytes":
      return fc.uint8Array({ maxLength: 12 });
    default:
      throw new TypeError(`a ${type} has parts: ask for anyValueOf`);
  }
}

/** A value of the type with its parts; null only if the type is nullable. */
export function anyValueOf(spec: TypeSpec): fc.Arbitrary<Value> {
  const present = anyPresentOf(spec);
  return spec.nullable ? fc.option(present, { freq: 4 }) : present;
}

function anyPresentOf(spec: TypeSpec): fc.Arbitrary<Exclude<Value, null>> {
  switch (spec.type) {
    case "list":
      return fc.array(anyValueOf(spec.element!), { maxLength: 4 });
    case "map": {
      const { type } = spec.keys!;
      return fc
        .uniqueArray(fc.tuple(anyValueOf(spec.keys!), anyValueOf(spec.values!)), {
          maxLength: 4,
          comparator: (a, b) => compareValues(type, a[0], b[0]) === 0,
        })
        .map((pairs) => pairs.sort((a, b) => compareValues(type, a[0], b[0])));
    }
    case "struct":
      return fc.tuple(...spec.fields!.map(anyValueOf));
    default:
      return anyValue(spec.type).map((value) =>
        typeof value === "string" ? wellFormedText(value) : Object.is(value, -0) ? 0 : value,
      );
  }
}

/** A column of such values: with and without nulls, all equal, or of few different values. */
export function anyColumn(type: ValueType, length: number): fc.Arbitrary<Value[]> {
  const value = anyValue(type);
  const sized = <T>(one: fc.Arbitrary<T>) =>
    fc.array(one, { minLength: length, maxLength: length });
  return fc.oneof(
    sized<Value>(value),
    sized<Value>(fc.option(value)),
    value.map((one): Value[] => new Array<Value>(length).fill(one)),
    fc.constant(new Array<Value>(length).fill(null)),
    fc
      .array(value, { minLength: 1, maxLength: 3 })
      .chain((few) => sized<Value>(fc.constantFrom<Value>(...few, null))),
  );
}
