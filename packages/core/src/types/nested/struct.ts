/** Structs: a value for each of some fields, which have names. */
import type { FieldSpec, Value } from "../../specs.ts";
import { decodeColumn, encodeColumn } from "../column-codec.ts";
import { GrowingValidity } from "../layouts/growing-array.ts";
import { layoutOf } from "../layouts/layouts.ts";
import type { TypeDescriptor } from "../type-descriptor.ts";
import type { VectorOf } from "../vector.ts";
import type { Element, VectorLayout, VectorMoves } from "../vector-layout.ts";
import {
  comparePart,
  elementOf,
  partFromUser,
  partLiteral,
  partOf,
  partsOf,
  partText,
  partToUser,
  unordered,
  type NestedForm,
  type TypeOf,
} from "./parts.ts";

/** Makes the descriptor of structs with these fields. */
export function structType(form: NestedForm, typeOf: TypeOf): TypeDescriptor {
  const fieldSpecs = (spec: NestedForm): readonly FieldSpec[] => partOf(spec, spec.fields);
  const types = fieldSpecs(form).map(typeOf);
  if (types.length === 0) throw new TypeError("a struct without fields");
  const codec: Pick<TypeDescriptor, "encode" | "decode"> = {
    encode(writer, values) {
      types.forEach((type, f) => {
        encodeColumn(writer, type, values.map(partsOf), f);
      });
    },
    decode: (reader, count, arrays) => ({
      kind: "struct",
      fields: types.map((type) => decodeColumn(reader, type, count, arrays)),
      valid: null,
    }),
  };
  return {
    ...unordered,
    ...codec,
    type: "struct",
    layout: structLayout(types, elementOf(codec)),
    compare(a, b) {
      for (const [f, type] of types.entries()) {
        const order = comparePart(type, partsOf(a)[f]!, partsOf(b)[f]!);
        if (order !== 0) return order;
      }
      return 0;
    },
    toUser: (value, spec, name) =>
      Object.fromEntries(
        fieldSpecs(spec).map((field, f) => [
          field.name,
          partToUser(types[f]!, partsOf(value)[f]!, field, name),
        ]),
      ),
    fromUser(input, spec, readTime) {
      if (typeof input !== "object" || input === null) return undefined;
      const fields = fieldSpecs(spec);
      if (Object.keys(input).length !== fields.length) return undefined;
      const values: Value[] = [];
      for (const [f, field] of fields.entries()) {
        if (!Object.hasOwn(input, field.name)) return undefined;
        const given = (input as { readonly [name: string]: unknown })[field.name];
        const value = partFromUser(types[f]!, given, field, readTime);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
    expected: (spec) =>
      `a struct (an object) with ${fieldSpecs(spec)
        .map((field, f) => `${field.name}, ${types[f]!.expected(field)}`)
        .join(", and ")}`,
    jsonText(spec, writerOf) {
      const texts = fieldSpecs(spec).map((field, f) => {
        const text = partText(types[f]!, field, writerOf);
        return (value: Value) => `${JSON.stringify(field.name)}:${text(value)}`;
      });
      return (value) =>
        `{${partsOf(value)
          .map((part, f) => texts[f]!(part))
          .join(",")}}`;
    },
    sqlLiteral: (value, spec) =>
      `ROW(${fieldSpecs(spec)
        .map((field, f) => partLiteral(types[f]!, partsOf(value)[f]!, field))
        .join(", ")})`,
  };
}

function structLayout(
  types: readonly TypeDescriptor[],
  element: Element,
): VectorLayout<VectorOf<"struct">> {
  return {
    ...(layoutOf({ kind: "struct" }) as VectorMoves<VectorOf<"struct">>),
    element,
    builder(capacity) {
      const builders = types.map(({ layout }) => layout.builder(capacity));
      const valid = new GrowingValidity(capacity);
      return {
        push(value) {
          valid.push(value);
          for (const [f, builder] of builders.entries())
            builder.push(value === null ? null : partsOf(value)[f]!);
        },
        finish: () => ({
          kind: "struct",
          fields: builders.map((builder) => builder.finish()),
          valid: valid.finish(),
        }),
      };
    },
    of(rows, valueOf) {
      const values = rows.map(valueOf);
      const valid = Uint8Array.from(values, (value) => (value === null ? 0 : 1));
      return {
        kind: "struct",
        fields: types.map(({ layout }, f) =>
          layout.of(values, (value) => (value === null ? null : partsOf(value)[f]!)),
        ),
        valid: valid.includes(0) ? valid : null,
      };
    },
    missing: (length) => ({
      kind: "struct",
      fields: types.map(({ layout }) => layout.missing(length)),
      valid: new Uint8Array(length),
    }),
  };
}
