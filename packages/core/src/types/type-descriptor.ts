/** What a value type is. The whole of core asks the descriptor and knows no list of types. */
import type { ByteReader, ByteWriter } from "../bytes/bytes.ts";
import type { TypeSpec, ValueType } from "../specs.ts";
import type { ArrayAllocator } from "./array-allocator.ts";
import type { PresentValue, Vector } from "./vector.ts";
import type { VectorLayout } from "./vector-layout.ts";

/**
 * One value type: its vector, bytes, order, and its forms in TypeScript, JSON and SQL.
 * Loops take what they need out of the descriptor once per column.
 */
export interface TypeDescriptor {
  readonly type: ValueType;
  /** Whether values can be summed. */
  readonly isNumber: boolean;
  /** Whether values have an order for users: comparisons, min and max. */
  readonly isOrdered: boolean;
  /** Whether a value can identify a row or an entity. */
  readonly isKey: boolean;
  readonly layout: VectorLayout;
  /** The order of values (law 3: one order of values). Negative if `a` comes before `b`. */
  compare(a: PresentValue, b: PresentValue): number;
  /** Encodes values of a batch. */
  encode(writer: ByteWriter, values: readonly PresentValue[]): void;
  /** Decodes `count` values of a batch, none of them missing. */
  decode(reader: ByteReader, count: number, arrays: ArrayAllocator): Vector;
  readonly key: KeyForm;
  /**
   * The value in TypeScript. `name` names the column in an error.
   *
   * @throws INT64_TOO_LARGE when an int64 of mode "number" lies beyond 2^53.
   */
  toUser(value: PresentValue, spec: TypeSpec, name: string): unknown;
  /**
   * The value that a user gave; undefined if it is none of the type. `readTime` reads a time in
   * any form, and throws.
   */
  fromUser(
    input: unknown,
    spec: TypeSpec,
    readTime: (input: unknown) => number,
  ): PresentValue | undefined;
  /** What a user may give: "a boolean". */
  expected(spec: TypeSpec): string;
  /**
   * Makes the writer of JSON text. The text keeps every digit. `writerOf` may give another writer
   * for the parts of a value.
   */
  jsonText(spec: TypeSpec, writerOf?: PartWriters): (value: PresentValue) => string;
  /** The value as a literal of SQL. */
  sqlLiteral(value: PresentValue, spec: TypeSpec): string;
}

/** Gives the writer of values of a type; undefined: they are written as their type says. */
export type PartWriters = (spec: TypeSpec) => ((value: PresentValue) => string) | undefined;

/** The form of values in the keys of cells. Users' files hold it, so it never changes. */
export interface KeyForm {
  /** int32 and int64 share a tag, so that a key column may be widened. */
  readonly tag: number;
  /** Writes the length and the value. Returns false if it is no value of the type. */
  write(writer: ByteWriter, value: PresentValue, spec: TypeSpec): boolean;
}
