/** The reader of one column's values, and what it is made of. Types only. */
import type { Value } from "../../specs.ts";
import type { Failure } from "../values/failure.ts";
import type { JsonMembers } from "./json-text.ts";
import type { NumericOptions } from "./numeric.ts";
import type { TimeUnit } from "./time-unit.ts";

/** Reads the value of member `i`. The member is not null. */
export type ValueReader = (row: JsonMembers, i: number) => Value | Failure;

/** What the reader of a column is made of. */
export interface ReaderOptions extends NumericOptions {
  /** The column's name in messages to the user: `schema.table.column`. */
  readonly name: string;
  /** What the source needs the column for, as far as a wrong time matters. */
  readonly role: "event time" | "value";
  /** The declared unit of a timestamp without a schema; null: none is declared. */
  readonly unit: TimeUnit | null;
}
