/**
 * Says what was not taken of the messages of a log: how many, why, and the first of them (law 11:
 * what was not taken is told).
 */
import type { SourceSpec, Value } from "../specs.ts";
import type { Change, SkippedMessages } from "../spi.ts";
import { JsonMembers } from "../row-formats/debezium/json-text.ts";
import { quarantineOf } from "../rows/quarantine.ts";
import { eventTimeIndex } from "../rows/row-change.ts";
import { quarantiningExpectations } from "../rows/row-expectations.ts";
import { valueFault } from "../rows/value-faults.ts";

/** Messages or values that were not taken, for one reason. */
export interface NotTaken {
  /**
   * - undecodable: the message cannot be read. The history keeps its bytes, and `tidemark retry`
   *   decodes them again.
   * - quarantined: the row is in no window of some view, because its entity key or event time is
   *   missing, or because it violates an expectation. A later change of the row may bring it back.
   * - invalid: a value is missing in its row, because it cannot be read.
   * - miskeyed: the declared primary key of the row is not the table's, so rows replace each other
   *   or are kept twice. The history keeps every change.
   * - skipped: the message gives no change, such as a message of a table that no source reads.
   */
  readonly kind: "undecodable" | "quarantined" | "invalid" | "miskeyed" | "skipped";
  /** Name of the source. Null: the messages are of no source. */
  readonly source: string | null;
  /** A stable code such as `FORMAT_AVRO`, `NOT_A_TIME`, `TABLE_NOT_DECLARED`. */
  readonly reason: string;
  /** The column at fault, or the columns of the primary key; null: the whole message. */
  readonly column: string | null;
  /** The number of messages; of values where `kind` is "invalid". */
  readonly count: number;
  /** The first of them. `message` says what it is, and the next step where there is one. */
  readonly first: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly message: string;
  };
}

/** Finds what is not taken of one change. The result is mostly empty. */
export type NotTakenIn = (change: Change) => readonly NotTaken[];

/** The columns of an entity key, by their indexes among the source's columns. */
interface KeyColumns {
  readonly keyIndexes: readonly number[];
}

const NONE: readonly never[] = [];
/** The longest text of an example, in characters. */
const MESSAGE_LIMIT = 1_000;
/** The longest text of a value in an example, in characters. */
const EXAMPLE_LIMIT = 80;
const members = new JsonMembers();

/** Makes the finder for one source, whose rows are stored under these entity keys. */
export function notTakenIn(source: SourceSpec, entityKeys: readonly KeyColumns[]): NotTakenIn {
  const time = eventTimeIndex(source);
  const needed = [
    ...new Set([
      ...(time < 0 ? [] : [time]),
      ...entityKeys.flatMap(({ keyIndexes }) => keyIndexes),
    ]),
  ];
  const databases = new Map(source.columns.map(({ name, database }) => [name, database]));
  const lacksKeyOrTime = (values: readonly Value[]): boolean =>
    needed.some((index) => values[index] === null);

  const mayBeUnexpected = quarantiningExpectations(source).length > 0;

  return (change) => {
    const { undecodable, invalidColumns, nonFinite, values, kind, keyConflict } = change;
    if (undecodable !== null)
      return [entry(change, "undecodable", undecodable.reason, null, 1, undecodable.message)];
    const upserted =
      kind === "upsert" && values !== null && (mayBeUnexpected || lacksKeyOrTime(values));
    if (!upserted && invalidColumns.length === 0 && nonFinite === 0 && keyConflict === undefined)
      return NONE;
    const found: NotTaken[] = invalidColumns.map(({ column, reason, message }) => {
      const fault = message ?? valueFault(reason);
      const example = exampleOf(change, databases.get(column) ?? column);
      const text =
        `column "${column}" cannot be read` +
        (example === null ? "" : `, its value is ${example}`) +
        (fault === undefined ? "" : `: ${fault}`);
      return entry(change, "invalid", reason, column, 1, text);
    });
    if (nonFinite > 0)
      found.push(
        entry(change, "invalid", "NON_FINITE", null, nonFinite, "a number is NaN or infinite"),
      );
    if (keyConflict !== undefined) {
      const { column, reason, message } = keyConflict;
      found.push(entry(change, "miskeyed", reason, column, 1, message));
    }
    const quarantine = upserted ? quarantinedRow(source, time, entityKeys, change) : null;
    if (quarantine !== null)
      found.push(
        entry(
          change,
          "quarantined",
          quarantine.reason,
          quarantine.column,
          1,
          quarantine.column === null
            ? `the row is in no window, because it violates an expectation (${quarantine.reason})`
            : `the row is in no window, because column "${quarantine.column}" has no value ` +
                `(${quarantine.reason})`,
        ),
      );
    return found;
  };
}

/** The value of a column as the message said it, as JSON; null: the message has no such column. */
function exampleOf({ logged }: Change, database: string): string | null {
  const row = logged?.row;
  if (row === null || row === undefined || members.scan(row, 0) < 0) return null;
  const at = members.find(database);
  if (at < 0) return null;
  const value = members.raw(at);
  return value.length <= EXAMPLE_LIMIT ? value : `${value.slice(0, EXAMPLE_LIMIT)}…`;
}

function quarantinedRow(
  source: SourceSpec,
  time: number,
  entityKeys: readonly KeyColumns[],
  { values, unavailable, invalidColumns }: Change,
): { readonly column: string | null; readonly reason: string } | null {
  // Only the stored image can fill a TOASTed column, so such a column is no reason here.
  const filled = values!.map((value, index) => (unavailable.includes(index) ? "" : value));
  return quarantineOf(source, time, entityKeys, {
    values: filled,
    undecodable: null,
    unresolved: NONE,
    invalidColumns: invalidColumns.map(({ column, reason }) => `${column}:${reason}`),
    unavailable,
  });
}

function entry(
  { source, topic, partition, offset }: Change,
  kind: NotTaken["kind"],
  reason: string,
  column: string | null,
  count: number,
  message: string,
): NotTaken {
  const text = message.length <= MESSAGE_LIMIT ? message : `${message.slice(0, MESSAGE_LIMIT)}…`;
  return {
    kind,
    source,
    reason,
    column,
    count,
    first: { topic, partition, offset, message: text },
  };
}

/** The skipped messages of a batch, as what was not taken. */
export function skippedAsNotTaken({
  topic,
  reason,
  count,
  first,
}: Omit<SkippedMessages, "last">): NotTaken {
  return { kind: "skipped", source: null, reason, column: null, count, first: { topic, ...first } };
}

/** The place and the text of the first message of an entry. */
export function notTakenPlace({ first }: Pick<NotTaken, "first">): string {
  const place = `${first.topic}, partition ${first.partition}, offset ${first.offset}`;
  return first.message.startsWith(place) ? first.message : `${place}: ${first.message}`;
}

/** Reasons of skipped messages that a healthy log holds. They are counted and give no warning. */
const EXPECTED = new Set([
  "HEARTBEAT",
  "TRANSACTION_METADATA",
  "ALREADY_READ",
  "TOMBSTONE_AFTER_DELETE",
]);

/** Whether a healthy log holds such messages, so that they are no reason for a warning. */
export function isExpected({ kind, reason }: NotTaken): boolean {
  return kind === "skipped" && EXPECTED.has(reason);
}

/** The most different entries that are kept. Further ones are counted as `OTHER_REASONS`. */
const ENTRY_LIMIT = 100;

/** Adds up what was not taken, by kind, source, topic of skipped messages, reason and column. */
export class NotTakenCounts {
  private readonly entries = new Map<string, NotTaken>();

  constructor(entries: readonly NotTaken[] = []) {
    for (const one of entries) this.add(one);
  }

  /** Adds an entry. True if it is the first of its kind, reason and column. */
  add(added: NotTaken): boolean {
    const { kind, source, reason, column, first } = added;
    const key = [kind, source, reason, column, kind === "skipped" ? first.topic : ""].join("\0");
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.entries.set(key, { ...known, count: known.count + added.count });
      return false;
    }
    if (this.entries.size >= ENTRY_LIMIT && reason !== "OTHER_REASONS")
      return this.add({ ...added, reason: "OTHER_REASONS", column: null });
    this.entries.set(key, added);
    return true;
  }

  list(): readonly NotTaken[] {
    return [...this.entries.values()];
  }
}
