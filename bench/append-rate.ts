/**
 * Measures the processor time of decoding a change and appending it to the raw change log (Delta in
 * a directory). The comparisons: `JSON.parse` of the same messages, and the same changes appended
 * as a table of typed columns. Rounds alternate; the medians are compared.
 *
 *     npm run bench -- append [messages] [rounds]
 */
import { changesToBatches } from "../packages/core/src/offline/change-log.ts";
import { historyTables } from "../packages/core/src/offline/history-tables.ts";
import { transactions } from "@tidemark/testkit/bank/definitions";
import { batchOf, type Change, specOfSource, type TableSpec } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bankCommits } from "../packages/demo-pipeline/src/bank.ts";
import { debeziumMessages, topicOf } from "../packages/demo-pipeline/src/debezium.ts";
import { median } from "./figures.ts";

const [wanted = 50_000, rounds = 7] = process.argv.slice(2).map(Number);
const DAYS = 8;
const source = specOfSource(transactions);
const topic = topicOf("transaction_data");

interface Line {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string | null;
  readonly value: string | null;
}

/** Makes the messages of the demo's bank, without tombstones. */
function bankMessages(): Parameters<typeof kafkaMessage>[0][] {
  const toLines = debeziumMessages();
  const perDay = Math.ceil(wanted / DAYS / 1.1);
  const commits = bankCommits({
    seed: 7,
    users: Math.ceil(perDay / 10),
    transactionsPerDay: perDay,
    days: DAYS,
    start: new Date(Date.UTC(2026, 2, 2)),
    invalidEvery: 1_000_000_000,
  });
  return [...commits].flatMap((commit) =>
    toLines(commit).flatMap(({ table, line }) => {
      const { offset, timestamp, key, value } = JSON.parse(line) as Line;
      if (table !== "transaction_data" || value === null) return [];
      const bytes = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value) };
      const at = { topic, partition: 0, offset: Number(offset), timestamp: Number(timestamp) };
      return [{ ...at, ...bytes }];
    }),
  );
}

const messages = bankMessages();

/** Gives the processor time of some work in this process, in µs per message. */
async function timed(work: () => unknown): Promise<number> {
  const { user, system } = process.cpuUsage();
  await work();
  const after = process.cpuUsage();
  return (after.user + after.system - user - system) / messages.length;
}

function decode(): Change[] {
  const run = debeziumDecoder().start({ sources: [source], onWarning: () => undefined });
  return messages.map((message) => {
    const change = run.decode(kafkaMessage(message));
    if (change === null || "skipped" in change) throw new Error("a message gave no change");
    return change;
  });
}

/** Parses each message, as a consumer without Tidemark does. */
function parse(): unknown[] {
  return messages.map(({ value }) => JSON.parse(String(value)) as unknown);
}

const { changes: log, declared } = historyTables(source);
const envelope = log.columns.filter(({ name }) => !["_row", "_key", "_format"].includes(name));
const typed: TableSpec = { name: "typed", columns: [...declared, ...envelope], partitionBy: [] };

/** Appends rows to a new table, and gives the bytes of its files. */
async function append(
  table: TableSpec,
  batches: () => Promise<Parameters<ReturnType<typeof deltaOfflineStore>["append"]>[1]>,
): Promise<{ readonly cpu: number; readonly bytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const store = deltaOfflineStore(localObjects(folder));
    const cpu = await timed(async () => store.append(table, await batches(), { positions: [] }));
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const bytes = files
      .filter((file) => file.endsWith(".parquet"))
      .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    return { cpu, bytes: bytes / messages.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NO_TEXTS: Change["logged"] = { row: null, key: null, oldKey: null, format: "" };

/**
 * Makes the rows of typed columns: the values that the decoder read, and the envelope. The changes
 * have no texts.
 */
async function typedRows(changes: readonly Change[]): ReturnType<typeof changesToBatches> {
  const raw = await changesToBatches(source, changes);
  let from = 0;
  return raw.map(({ length, columns, vectors }) => {
    const part = changes.slice(from, (from += length));
    const values = batchOf(
      declared,
      part.map((change) => change.values ?? []),
    );
    const kept = envelope.map(({ name }) => columns.findIndex((column) => column.name === name));
    return {
      length,
      columns: typed.columns,
      vectors: [...values.vectors, ...kept.map((c) => vectors[c]!)],
    };
  });
}

const times = {
  decode: [] as number[],
  parse: [] as number[],
  raw: [] as number[],
  typed: [] as number[],
};
const bytes = { raw: 0, typed: 0 };
for (let round = -1; round < rounds; round++) {
  const parsed = await timed(parse);
  let changes: Change[] = [];
  const decoded = await timed(() => (changes = decode()));
  const withoutTexts = changes.map((change) => ({ ...change, logged: NO_TEXTS }));
  const typedLog = await append(typed, () => typedRows(withoutTexts));
  const rawLog = await append(log, () => changesToBatches(source, changes));
  [bytes.raw, bytes.typed] = [rawLog.bytes, typedLog.bytes];
  if (round < 0) continue; // the first round warms up
  times.parse.push(parsed);
  times.decode.push(decoded);
  times.typed.push(typedLog.cpu);
  times.raw.push(rawLog.cpu);
}

const micros = (list: readonly number[]): number => Number(median(list).toFixed(2));
const ratio = (a: readonly number[], b: readonly number[]): number =>
  Number(median(a.map((time, i) => time / b[i]!)).toFixed(3));
console.log(
  `${messages.length} changes, µs of processor time each: decoded ${micros(times.decode)}, ` +
    `JSON.parse ${micros(times.parse)}; appended raw ${micros(times.raw)}, ` +
    `as typed columns ${micros(times.typed)}`,
);
console.log(
  JSON.stringify({
    bench: "append",
    messages: messages.length,
    rounds,
    decodeRatio: ratio(times.decode, times.parse),
    appendRatio: ratio(times.raw, times.typed),
    bytes: { raw: Number(bytes.raw.toFixed(1)), typed: Number(bytes.typed.toFixed(1)) },
  }),
);
