/** What a reader knows of a column while it reads rows. Types only. */
import type { LearnedTexts } from "./learned-texts.ts";
import type { TimeUnit } from "./time-unit.ts";

/** What messages said of a column, and what holds for later messages without a schema. */
export interface ColumnFacts {
  /** The unit that a schema said, other than µs. */
  readonly unit?: TimeUnit | undefined;
  /** Rows lack the column. true: it has another name there, so that its value is not known. */
  readonly renamed?: boolean | undefined;
}

/** What the reader of a source knows while it reads a column. */
export interface ColumnContext {
  /** The row that is read. */
  readonly row: RowContext;
  /** Facts stay as they are: each row is read on its own. */
  readonly isFixed: boolean;
  /** The unit that a schema said before, other than µs; null: none did. */
  schemaUnit: TimeUnit | null;
  /** Whether a number was read as µs although nothing said the unit. */
  assumedMicros: boolean;
  /** Whether an absent column has another name; null: no row lacked the column. */
  renamed: boolean | null;
}

/** The row that is read. */
export interface RowContext {
  /** Its commit time, µs; null: it is not known. */
  committed: number | null;
  /** The halves of surrogate pairs in its texts. */
  halfPairs: number;
  /** Grows when a fact of a column changes. */
  facts: number;
  /** How numbers come as text in the partition of the row. */
  texts: LearnedTexts;
}
