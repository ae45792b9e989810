/** What lists, maps and structs share: each is decided by the types of its parts. */
import { ByteReader, ByteWriter } from "../../bytes/bytes.ts";
import type { TypeSpec, Value } from "../../specs.ts";
import { newArrays } from "../array-allocator.ts";
import type { PartWriters, TypeDescriptor } from "../type-descriptor.ts";
import { valueAt, type PresentValue } from "../vector.ts";
import type { Element } from "../vector-layout.ts";

/** What a descriptor with parts must know of a spec. */
export type NestedForm = Pick<TypeSpec, "type" | "element" | "keys" | "values" | "fields">;

/** Gives the descriptor of a part. */
export type TypeOf = (spec: NestedForm) => TypeDescriptor;

/** The part of a spec that a type must have. */
export function partOf<T>(spec: NestedForm, part: T | undefined): T {
  if (part === undefined) throw new TypeError(`a ${spec.type} without its parts`);
  return part;
}

/** The values with parts have these in common: they are no keys, and users do not order them. */
export const unordered: Pick<TypeDescriptor, "isNumber" | "isOrdered" | "isKey" | "key"> = {
  isNumber: false,
  isOrdered: false,
  isKey: false,
  key: { tag: 10, write: () => false },
};

/** One value as bytes: a batch of one. */
export function elementOf({ encode, decode }: Pick<TypeDescriptor, "encode" | "decode">): Element {
  return {
    width: null,
    write(writer, value) {
      const own = new ByteWriter(64);
      encode(own, [value]);
      writer.varint(own.length);
      writer.raw(own.view());
    },
    read: (reader) =>
      valueAt(decode(new ByteReader(reader.raw(reader.itemCount())), 1, newArrays), 0)!,
  };
}

/** Compares parts. A missing one comes first. */
export function comparePart(type: TypeDescriptor, a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return type.compare(a, b);
}

/** Compares lists element by element. If one ends before, it comes first. */
export function compareLists(
  a: readonly Value[],
  b: readonly Value[],
  compare: (a: Value, b: Value) => number,
): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The part as users see it. */
export function partToUser(
  type: TypeDescriptor,
  value: Value,
  spec: TypeSpec,
  name: string,
): unknown {
  return value === null ? null : type.toUser(value, spec, name);
}

/** The part that a user gave; undefined if it is none. */
export function partFromUser(
  type: TypeDescriptor,
  input: unknown,
  spec: TypeSpec,
  readTime: (input: unknown) => number,
): Value | undefined {
  if (input === null) return spec.nullable ? null : undefined;
  return type.fromUser(input, spec, readTime);
}

/** Makes the writer of a part's JSON text. */
export function partText(
  type: TypeDescriptor,
  spec: TypeSpec,
  writerOf: PartWriters | undefined,
): (value: Value) => string {
  const text = writerOf?.(spec) ?? type.jsonText(spec, writerOf);
  return (value) => (value === null ? "null" : text(value));
}

/** The part as a literal of SQL. */
export function partLiteral(type: TypeDescriptor, value: Value, spec: TypeSpec): string {
  return value === null ? "NULL" : type.sqlLiteral(value, spec);
}

/** The parts of a value that is there. */
export function partsOf(value: PresentValue): readonly Value[] {
  return value as readonly Value[];
}
