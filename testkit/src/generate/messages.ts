/**
 * Defines the messages of a simulated database before they are text: one message per change, with
 * its kind.
 */
import type { Cell, NullKind, MessageShape } from "./cells.ts";
import { DAY, type GeneratedTable } from "./definitions.ts";

/** The kind of a change, by which comparisons are counted. */
export type ChangeKind =
  | "insert"
  | "update"
  | "equal update"
  | "delete"
  | "delete and reinsert"
  | "insert then delete"
  | "key change"
  | "entity move"
  | "time move"
  | "late event"
  | "future event"
  | "several changes in one transaction"
  | "concurrent transactions"
  | "truncate"
  | "snapshot row"
  | "incremental snapshot row"
  | "snapshot after a gap"
  | "placeholder"
  | "placeholder unresolved"
  | "unreadable message"
  | "unknown column"
  | "before 1970"
  | "commit clock went back"
  | "delivered again"
  | "partition added"
  | "c without its d"
  | "milliseconds only"
  | "overflowing float"
  | "no LSN";
/** A case that comparisons count. */
export type Tag =
  | ChangeKind
  | `${NullKind} in value`
  | `${NullKind} in event time`
  | `${NullKind} in entity key`;

/** A message of a change. */
export interface Message {
  readonly table: GeneratedTable;
  readonly op: "c" | "u" | "d" | "r" | "t";
  /** The primary key's fields; null for a truncate. */
  readonly key: readonly Cell[] | null;
  /** All fields; null for a delete and a truncate. */
  readonly row: readonly Cell[] | null;
  /** Columns that are left out of `row`. */
  readonly unavailable: readonly number[];
  readonly oldKey: readonly Cell[] | null;
  readonly newKey: readonly Cell[] | null;
  readonly lsn: bigint | null;
  /** The first number of `source.sequence`; `order` is the second. */
  readonly lastCommit: bigint | null;
  readonly order: bigint;
  /** The commit time in µs. A message may carry milliseconds only. */
  readonly committed: number;
  readonly snapshot:
    | "false"
    | "first_in_data_collection"
    | "true"
    | "last_in_data_collection"
    | "incremental";
  readonly transaction: number | null;
  /** True if the key is readable and the content is not. */
  readonly broken: boolean;
  /** The JSON text of a column that no definition names. */
  readonly extra: string | null;
  readonly tags: readonly Tag[];
}

/** The traits of a scenario. */
export interface ScenarioTraits {
  /** True if features aggregate functions of columns. */
  readonly computed: boolean;
  /** True if views are over those rows of their source that meet a condition. */
  readonly derived: boolean;
  /** Whether sources expect something of their rows, so that some rows are in quarantine. */
  readonly expected: boolean;
  readonly shape: MessageShape;
  readonly tombstones: boolean;
  readonly millisecondsOnly: boolean;
  /** True if the table's changes carry no LSN: then it has one partition, and the offset orders. */
  readonly withoutLsn: boolean;
  /**
   * True if commit times of one row may go back, so known-from must be raised (law 6: to that of
   * the version it replaces). Then nothing is delivered again. A store fed only the changes before
   * t is then not as known at t.
   */
  readonly clockGoesBack: boolean;
  /** True if each transaction commits before the next begins. Rows then have one order. */
  readonly serial: boolean;
  readonly changes: number;
  readonly before: "snapshot" | "unknown rows" | "nothing";
  readonly truncates: boolean;
  readonly incremental: boolean;
  /** True if incremental snapshots also read rows that open transactions have changed. */
  readonly readsOpenRows: boolean;
  readonly gap: boolean;
  readonly unreadableMessages: boolean;
  readonly toastMarkers: boolean;
}

/** Returns the kinds of missing or unreadable fields in a message. */
export function tagsOf(message: Message): Tag[] {
  const { table, row } = message;
  const tags: Tag[] = [];
  if (message.extra !== null) tags.push("unknown column");
  if (row === null || message.broken) return tags;
  row.forEach((cell, i) => {
    if (cell.missing === null || table.key.includes(i)) return;
    const isKey = table.entityColumns.includes(i);
    const role = i === table.time ? "event time" : isKey ? "entity key" : "value";
    tags.push(`${cell.missing} in ${role}`);
  });
  const time = table.time < 0 ? null : (row[table.time]!.value as number | null);
  if (time !== null) {
    if (time < 0) tags.push("before 1970");
    if (time < message.committed - DAY) tags.push("late event");
    if (time > message.committed) tags.push("future event");
  }
  if (row.some((cell) => typeof cell.value === "number" && Math.abs(cell.value) >= 1e308))
    tags.push("overflowing float");
  return tags;
}

/** A message as Kafka stores it. */
export interface Delivery {
  readonly message: Message;
  /** True for a Kafka tombstone: the message's key without a value. */
  readonly tombstone: boolean;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's clock, in ms. */
  readonly timestamp: number;
  readonly tags: readonly Tag[];
}
