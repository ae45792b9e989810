/**
 * Makes the bank's lake and its labels for the benchmarks of training sets. Both are kept in
 * `.tidemark/bench`, because appending millions of changes takes minutes.
 */
import { openStore } from "@tidemark/core";
import { type Batch, batchOf, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, writeParquet } from "@tidemark/delta";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Raise it when the generated rows or the layout of the history change. */
const FORMAT = 4;
const DAY = 86_400_000_000;
/** The end of all transactions and labels, µs. */
const END = Date.parse("2025-04-01T00:00:00Z") * 1000;
const cache = join(import.meta.dirname, "../../.tidemark/bench");

/** What the lake holds. */
export interface LakeSize {
  readonly users: number;
  readonly events: number;
  /** The days over which the events are spread. */
  readonly days: number;
  /** The fraction of the rows that are updated later. */
  readonly updated: number;
}

/** How the rows of a labels file are chosen. */
export type LabelsSize =
  | {
      readonly kind: "random";
      readonly labels: number;
      readonly users: number;
      /** The labels are of each so many-th user. Default: 1. */
      readonly every?: number;
    }
  | { readonly kind: "dates"; readonly dates: number; readonly users: number };

/** A lake in a folder, and what it took to make it. */
export interface BankLake {
  readonly folder: string;
  readonly seconds: number;
  readonly cpu: number;
}

/** Returns the lake. Makes it if there is none, or if `fresh` is true. */
export async function bankLake(size: LakeSize, fresh: boolean): Promise<BankLake> {
  const { users, events, days, updated } = size;
  const name = `lake-${FORMAT}-${events}-events-${users}-users-${days}-days-${updated}-updated`;
  const folder = join(cache, name);
  const complete = join(folder, "complete");
  if (fresh) rmSync(folder, { recursive: true, force: true });
  if (existsSync(complete))
    return { folder, ...(JSON.parse(readFileSync(complete, "utf8")) as Omit<BankLake, "folder">) };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const store = await openStore({
    definitions: { weekly },
    offline: deltaOfflineStore(localObjects(folder)),
  });
  const began = performance.now();
  const used = process.cpuUsage();
  const rows = transactionRows({ users, events, end: END, span: days * DAY });
  await store.run(transactionSource(rows, { batch: 5000, updated }));
  // DuckDB reads the versions alone, without corrections that wait and without the end of the log
  await store.compact();
  await store.close();
  const { user, system } = process.cpuUsage(used);
  const [seconds, cpu] = [(performance.now() - began) / 1000, (user + system) / 1e6];
  console.log(
    `lake of ${events} events of ${users} users made in ${seconds.toFixed(1)} s, ` +
      `${cpu.toFixed(1)} s of processor time`,
  );
  writeFileSync(complete, JSON.stringify({ seconds, cpu }));
  return { folder, seconds, cpu };
}

const LABEL_COLUMNS: readonly ColumnSpec[] = [
  { name: "label_id", database: "label_id", type: "int64", nullable: false },
  { name: "user_id", database: "user_id", type: "string", nullable: false },
  {
    name: "event_timestamp",
    database: "event_timestamp",
    type: "timestamp",
    nullable: false,
    zone: "UTC",
  },
];
const BATCH_ROWS = 65_536;

/** Returns a Parquet file of labels: user_id, event_timestamp, and label_id, which counts rows. */
export async function bankLabels({ days }: LakeSize, size: LabelsSize): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const count =
    size.kind === "random"
      ? `${size.labels}${size.every === undefined ? "" : `-every-${size.every}`}`
      : `${size.dates}-dates`;
  const name = `labels-1-${count}-${size.users}-users-${days}-days.parquet`;
  const file = join(cache, name);
  if (!existsSync(file))
    await writeParquet(file, { columns: LABEL_COLUMNS, batches: labelBatches(days, size) });
  return file;
}

/** Returns the number of rows of a labels file. */
export function labelCount(size: LabelsSize): number {
  return size.kind === "random" ? size.labels : size.dates * size.users;
}

function* labelBatches(days: number, size: LabelsSize): Generator<Batch> {
  let rows: Value[][] = [];
  let id = 0n;
  for (const [user, time] of size.kind === "random"
    ? randomLabels(size, days)
    : labelsAtDates(size.users, size.dates)) {
    rows.push([id++, userName(user), time]);
    if (rows.length < BATCH_ROWS) continue;
    yield batchOf(LABEL_COLUMNS, rows);
    rows = [];
  }
  if (rows.length > 0) yield batchOf(LABEL_COLUMNS, rows);
}

function* randomLabels(
  { users, labels, every = 1 }: Extract<LabelsSize, { readonly kind: "random" }>,
  days: number,
): Generator<readonly [user: number, time: number]> {
  const random = new Random(11);
  for (let i = 0; i < labels; i++)
    yield [random.int(users) * every, END - Math.floor(random.fraction() * days * DAY)];
}

/** Yields every user at midnight of each of the last days. */
function* labelsAtDates(
  users: number,
  dates: number,
): Generator<readonly [user: number, time: number]> {
  for (let date = dates - 1; date >= 0; date--)
    for (let user = 0; user < users; user++) yield [user, END - date * DAY];
}
