/** What a file of entity rows gives, and how it is read. Types only. */
import type { EntityColumns } from "../request/request-types.ts";
import type { ColumnSpec } from "../specs.ts";
import type { TimeReading } from "./read-time.ts";

export interface EntityFile extends EntityColumns {
  /** The number of rows; null if only reading the file tells it. */
  readonly rows: number | null;
  /** Columns whose type cannot be passed through, with what they hold. */
  readonly unsupportedColumns: readonly { readonly name: string; readonly holds: string }[];
  /** Columns whose nanoseconds were floored. It is complete when the batches were read. */
  readonly flooredColumns: ReadonlySet<string>;
}

export interface EntityFileOptions extends TimeReading {
  /** The entity keys that the features need. */
  readonly keys: readonly ColumnSpec[];
  readonly signal: AbortSignal;
}
