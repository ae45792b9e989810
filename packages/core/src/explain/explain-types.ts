/** The types of an explanation. All of it is plain data, so that JSON holds it without loss. */
import type { Selection } from "../define/selection.ts";
import type { TimeInput } from "../define/time-input.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { Status } from "../spi.ts";
import type { JsonRow, JsonValue } from "./exact-json.ts";
import type { RowReason } from "./seen-rows.ts";

/** Where the rows of an explanation are read. */
export type ExplainFrom = "history" | "online";

/** What is explained. */
export interface ExplainRequest<Row, Needs> {
  /** One feature of a view, a derived view or a transform. */
  readonly feature: Selection<Row, Needs>;
  /** The entity keys, and the request data that the feature reads. */
  readonly entity: NoInfer<Needs>;
  /** The time of the answer, at which its windows end. Default: now. */
  readonly asOf?: TimeInput | undefined;
  /**
   * Which changes count, in the history. "as-known": those that were committed before `asOf`, which
   * serving without lag saw. "as-corrected": all that are known now. Default: "as-known".
   */
  readonly knowledge?: Knowledge | undefined;
  /**
   * Where the rows are read. The history has all versions of rows and their places in the log. The
   * online store has the rows that it serves. Default: the history, if the store has one.
   */
  readonly from?: ExplainFrom | undefined;
  /** The most rows that each part lists inside its window, and the most outside. Default: 100. */
  readonly maxRows?: number | undefined;
  /**
   * "mask": values of columns and features with the sensitivity "pii" are `***`. Default: "show".
   */
  readonly personal?: "show" | "mask" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why an answer is what it is. */
export interface Explanation {
  /** The view and the feature: `weekly.total_amount`. */
  readonly feature: string;
  /** The type of its values. */
  readonly type: string;
  /** The entity keys and request data. */
  readonly entity: JsonRow;
  readonly asOf: string;
  readonly from: ExplainFrom;
  readonly knowledge: Knowledge;
  /** The answer, as the store gives it. */
  readonly value: JsonValue;
  readonly status: Status;
  /** The event time of the newest row of the view's longest window. */
  readonly eventTime: string | null;
  /** Whether the rows of this explanation give the answer again, bit for bit. */
  readonly isReproduced: boolean;
  /** The answer under the other knowledge, where it differs. null: it is the same. */
  readonly other: ExplainedAnswer | null;
  /** What the request computes, as a tree. */
  readonly plan: string;
  /** The functions above the aggregates, in the order in which they are computed. */
  readonly steps: readonly ExplainedStep[];
  /** The aggregates and facts that are computed from rows. */
  readonly parts: readonly ExplainedPart[];
  /** The explanation for people. */
  toString(): string;
  /** A test in TypeScript that puts these rows into a `mockStore` and expects this answer. */
  toTest(): string;
}

/** An answer under a knowledge. */
export interface ExplainedAnswer {
  readonly knowledge: Knowledge;
  readonly value: JsonValue;
  readonly status: Status;
}

/** A function of aggregates, of features or of request data. */
export interface ExplainedStep {
  readonly name: string;
  /** The function in words. */
  readonly expression: string;
  readonly value: JsonValue;
  readonly status: Status;
}

/** One aggregate over a window, or one fact. */
export interface ExplainedPart {
  /** The name under which the steps read it. */
  readonly name: string;
  readonly view: string;
  readonly source: string;
  /** What is computed: `sum(amount) where paid over 7d`. */
  readonly of: string;
  /** The keys that rows must have: the column of the rows, and the value. */
  readonly keys: JsonRow;
  /** The condition of a derived source. null: there is none. */
  readonly filter: string | null;
  /** The first moment inside the window. null: it has no beginning. */
  readonly start: string | null;
  /** The moment at which the window ends. A row at this moment is outside, except for a fact. */
  readonly end: string;
  /** The edges of the windows of a series, ascending. null: there is one window. */
  readonly edges: readonly string[] | null;
  readonly value: JsonValue;
  /** The number of rows that count. `inside` lists at most `maxRows` of them, the newest. */
  readonly insideCount: number;
  readonly inside: readonly ExplainedRow[];
  /** The number of rows that were left out. `outside` lists at most `maxRows`, the newest. */
  readonly outsideCount: number;
  readonly outside: readonly ExplainedRow[];
}

/** A row that counts, or one that does not and why. */
export interface ExplainedRow {
  /** The table's source. */
  readonly source: string;
  /** The primary key. */
  readonly key: JsonRow;
  /** The event time; of a dimension, when the version began. null: it has none. */
  readonly time: string | null;
  /** The columns that the part reads from, with those that are looked up or computed. */
  readonly row: JsonRow;
  /** null: the row counts. */
  readonly reason: RowReason | null;
  readonly because: string | null;
  /** The values that the row brings, by expression. Rows outside bring none. */
  readonly brings: JsonRow;
  /** The value of the part without this row. Omitted where there are many rows. */
  readonly without?: JsonValue;
  readonly versions: readonly ExplainedVersion[];
  /** The versions of dimensions that the row found. */
  readonly lookups: readonly ExplainedLookup[];
}

/** A row of a dimension that was looked up. */
export interface ExplainedLookup {
  readonly source: string;
  readonly key: JsonRow;
  readonly version: ExplainedVersion;
}

/** A version of a row, and where it came from. */
export interface ExplainedVersion {
  /** When the version was committed. null: the row was deleted before it was ever seen. */
  readonly knownFrom: string | null;
  /** When another version took its place. null: it is the current one. */
  readonly knownTo: string | null;
  /** Whether this version decides for the answer. */
  readonly isSeen: boolean;
  /** "deleted": the row was deleted. "elsewhere": it is another entity's, or at another time. */
  readonly change: "row" | "deleted" | "elsewhere";
  /** The columns of the table. null: the row was deleted. */
  readonly row: JsonRow | null;
  readonly quarantine: string | null;
  readonly committed: string;
  /** The log order: the LSN of PostgreSQL, without the snapshot generation. */
  readonly order: string;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly transaction: string | null;
}
