/** Makes random types with parts, and random values of them. */
import type { ColumnSpec, FieldSpec, TypeSpec, Value } from "@tidemark/core/spi";
import fc from "fast-check";

const scalars: readonly {
  readonly spec: Omit<TypeSpec, "nullable">;
  readonly values: fc.Arbitrary<Value>;
}[] = [
  { spec: { type: "string" }, values: fc.constantFrom("", "a", "b", "ü", "😀", "\uffff") },
  { spec: { type: "int64" }, values: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) },
  { spec: { type: "int32" }, values: fc.integer() },
  { spec: { type: "float64" }, values: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { spec: { type: "timestamp" }, values: fc.maxSafeInteger() },
  { spec: { type: "date" }, values: fc.integer() },
  { spec: { type: "boolean" }, values: fc.boolean() },
  { spec: { type: "bytes" }, values: fc.uint8Array({ maxLength: 3 }) },
  ...[9, 18, 38].map((precision) => ({
    spec: { type: "decimal", precision, scale: 4 } as const,
    values: fc.bigInt(-(10n ** BigInt(precision)) + 1n, 10n ** BigInt(precision) - 1n),
  })),
];

/** A type, and values of it. A missing value is among them where the type is nullable. */
export interface TypedValues {
  readonly spec: TypeSpec;
  readonly values: fc.Arbitrary<Value>;
}

/** Types with parts up to `depth` below each other. */
export function typedValues(depth: number): fc.Arbitrary<TypedValues> {
  const scalar = fc.constantFrom(...scalars);
  const nullable = (made: {
    readonly spec: Omit<TypeSpec, "nullable">;
    readonly values: fc.Arbitrary<Value>;
  }): fc.Arbitrary<TypedValues> =>
    fc
      .boolean()
      .map((isNullable) => ({
        spec: { ...made.spec, nullable: isNullable },
        values: isNullable ? fc.option(made.values, { nil: null, freq: 3 }) : made.values,
      }));
  if (depth === 0) return scalar.chain(nullable);
  const part = fc.oneof(typedValues(0), typedValues(depth - 1));
  const list = part.map(({ spec, values }) => ({
    spec: { type: "list", element: spec } as const,
    values: fc.array(values, { maxLength: 4 }),
  }));
  const map = fc
    .tuple(scalar, part)
    .map(([key, { spec, values }]) => ({
      spec: { type: "map", keys: { ...key.spec, nullable: false }, values: spec } as const,
      values: fc
        .uniqueArray(fc.tuple(key.values, values), { maxLength: 4, selector: ([k]) => keyText(k) })
        .map((entries) => entries.sort(([a], [b]) => compareKeys(a, b))),
    }));
  const struct = fc
    .array(part, { minLength: 1, maxLength: 3 })
    .map((parts) => ({
      spec: {
        type: "struct",
        fields: parts.map(({ spec }, f): FieldSpec => ({ ...spec, name: `f${f}` })),
      } as const,
      values: fc.tuple(...parts.map(({ values }) => values)),
    }));
  return fc.oneof(list, map, struct).chain(nullable);
}

/** A column of a type with parts. */
export function nestedColumn(name: string, spec: TypeSpec): ColumnSpec {
  return { ...spec, name, database: name };
}

function keyText(key: Value): string {
  // 0 and −0 are one key
  return key instanceof Uint8Array ? `0x${Buffer.from(key).toString("hex")}` : String(key);
}

/** The order of keys, in the plainest way (law 3: one order of values). */
function compareKeys(a: Value, b: Value): number {
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}
