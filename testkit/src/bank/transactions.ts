/** Generates the bank's transactions: rows by a seed, and their changes and Debezium messages. */
import type { Change, ChangeBatch, ChangeSource } from "@tidemark/core/spi";
import { Random } from "../generate/random.ts";

/** A row of `transactions`. */
export interface Transaction {
  readonly id: number;
  readonly user: string;
  readonly vendor: string | null;
  readonly channel: string | null;
  readonly amount: number | null;
  /** The event time in µs. */
  readonly time: number;
}

/** The vendors of generated rows. */
export const VENDORS: readonly string[] = [
  "Online Shopping",
  "Hospital",
  "Sport",
  "Grocery",
  "Restaurant",
  "Transportation",
  "Sending Out",
];
/** The channels of generated rows. */
export const CHANNELS: readonly string[] = ["Current Account", "Credit Card", "Debit Card"];
/** The length of the features' window, in µs. */
export const WEEK = 604_800_000_000;
/** The Kafka topic of the table. */
export const TOPIC = "bank.public.transaction_data";

/** Returns the key of user number `n`. */
export function userName(n: number): string {
  return `user_${String(n).padStart(6, "0")}`;
}

/** The options of generated rows. */
export interface TransactionRowsOptions {
  readonly users: number;
  readonly events: number;
  /** The end of all rows, in µs. */
  readonly end: number;
  /** The time before `end` over which the rows are spread, in µs. Default: a week. */
  readonly span?: number;
  /** Default: 7. */
  readonly seed?: number;
  /** Returns the number of a row's user. Default: a random user. */
  readonly userOf?: (id: number) => number;
}

/** Generates rows in the order of their times, at an even pace over the time before `end`. */
export function* transactionRows(options: TransactionRowsOptions): Generator<Transaction> {
  const { users, events, end, span = WEEK, seed = 7 } = options;
  const random = new Random(seed);
  const { userOf = () => random.int(users) } = options;
  for (let id = 0; id < events; id++)
    yield {
      id,
      user: userName(userOf(id)),
      vendor: random.pick(VENDORS),
      channel: random.pick(CHANNELS),
      amount: randomAmount(random),
      time: end - span + Math.floor((id / events) * span),
    };
}

/** Returns an amount below 1000 with at most two digits after the point. */
export function randomAmount(random: Random): number {
  return Math.round(random.fraction() * 100_000) / 100;
}

/** The options of a change source over generated rows. */
export interface TransactionSourceOptions {
  /** The number of changes in a batch. Default: 2000. */
  readonly batch?: number;
  /** Returns the commit time in µs. Default: 1 ms after the event time. */
  readonly committed?: (row: Transaction) => number;
  /** The fraction of the rows whose amount is updated two days after the insert. Default: 0. */
  readonly updated?: number;
}

/**
 * Makes a change source that inserts each row once. A row's offset is its id, and the number of
 * updates before it is added.
 */
export function transactionSource(
  rows: Iterable<Transaction>,
  options: TransactionSourceOptions = {},
): ChangeSource {
  const { batch = 2000, committed = ({ time }) => time + 1000, updated = 0 } = options;
  const batchOf = (changes: readonly Change[]): ChangeBatch => ({
    changes,
    positions: [{ partition: `${TOPIC}:0`, offset: changes.at(-1)!.offset }],
  });
  return {
    name: "bank",
    async *changes(): AsyncIterable<ChangeBatch> {
      let changes: Change[] = [];
      for (const change of upserts(rows, committed, updated)) {
        changes.push(change);
        if (changes.length < batch) continue;
        yield batchOf(changes);
        changes = [];
      }
      if (changes.length > 0) yield batchOf(changes);
    },
  };
}

/** The time from an insert to the update of its row, in µs. */
const UPDATED_AFTER = 172_800_000_000;

/** Yields the inserts, and between them the updates, in the order of their commits. */
function* upserts(
  rows: Iterable<Transaction>,
  committedAt: (row: Transaction) => number,
  updated: number,
): Generator<Change> {
  const random = new Random(13);
  const waiting: { readonly row: Transaction; readonly committed: number }[] = [];
  let updates = 0;
  let lastId = 0;
  function* updatesUntil(time: number): Generator<Change> {
    while (updates < waiting.length && waiting[updates]!.committed <= time) {
      const { row, committed } = waiting[updates]!;
      yield upsert("u", row, lastId + ++updates, committed);
    }
  }
  for (const row of rows) {
    const committed = committedAt(row);
    yield* updatesUntil(committed);
    lastId = row.id;
    yield upsert("c", row, row.id + updates, committed);
    if (updated > 0 && random.chance(updated))
      waiting.push({
        row: { ...row, amount: randomAmount(random) },
        committed: committed + UPDATED_AFTER,
      });
  }
  yield* updatesUntil(Infinity);
}

function upsert(op: "c" | "u", row: Transaction, offset: number, committed: number): Change {
  const { id, user, vendor, channel, amount, time } = row;
  return {
    source: "transactions",
    topic: TOPIC,
    partition: 0,
    offset,
    kind: "upsert",
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    values: [BigInt(id), user, vendor, channel, amount, time],
    order: BigInt(1_000_000 + offset * 200),
    committed,
    snapshot: false,
    op,
    timestamp: null,
    transaction: null,
  };
}

/** A row and what its message has besides. */
export interface TransactionMessage {
  readonly op: "c" | "u" | "d";
  readonly row: Transaction;
  readonly offset: number;
  /** The commit time in µs. */
  readonly committed: number;
  /** Columns of the table that `transactions` does not declare. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** The schemas of key and value. Default: messages without schemas. */
  readonly schemas?: { readonly key: unknown; readonly value: unknown };
}

/** Writes a message of Debezium's connector for PostgreSQL as a line of a recorded topic. */
export function transactionMessage(message: TransactionMessage): string {
  const { op, row, offset, committed, more = {}, schemas } = message;
  const clock = { ts_ms: Math.floor(committed / 1000), ts_us: committed, ts_ns: committed * 1000 };
  const lsn = 26_000_000 + offset * 100;
  const image = columnsOf(row, more);
  const payload = {
    // REPLICA IDENTITY DEFAULT: only the key of a deleted row
    before: op === "d" ? { ...nulls(image), id: row.id } : null,
    after: op === "d" ? null : image,
    source: {
      version: "3.6.1.Final",
      connector: "postgresql",
      name: "bank",
      snapshot: "false",
      db: "bank",
      sequence: `["${lsn}","${lsn + 100}"]`,
      schema: "public",
      table: "transaction_data",
      txId: 700 + offset,
      lsn: lsn + 100,
      xmin: null,
      ...clock,
    },
    transaction: null,
    op,
    ...clock,
  };
  const key = { id: row.id };
  const json = (schema: unknown, value: unknown): string =>
    JSON.stringify(schemas === undefined ? value : { schema, payload: value });
  return JSON.stringify({
    topic: TOPIC,
    partition: 0,
    offset: String(offset),
    timestamp: String(clock.ts_ms + 300),
    key: json(schemas?.key, key),
    value: json(schemas?.value, payload),
    headers: {},
  });
}

function columnsOf(row: Transaction, more: Readonly<Record<string, unknown>>): object {
  return {
    id: row.id,
    "User ID": row.user,
    ...more,
    Vendor: row.vendor,
    Sources: row.channel,
    Time: zonelessText(row.time),
    Amount: row.amount,
  };
}

const nulls = (image: object): object =>
  Object.fromEntries(Object.keys(image).map((name) => [name, null]));

/** Formats µs as the table's varchar has them, such as `2025-03-05 09:30:00.000001`. */
function zonelessText(time: number): string {
  const second = new Date(Math.floor(time / 1000)).toISOString().slice(0, 19).replace("T", " ");
  return `${second}.${String(((time % 1e6) + 1e6) % 1e6).padStart(6, "0")}`;
}
