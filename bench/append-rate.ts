/**
 * Measures the processor time of decoding a change and appending it to the raw change log (Delta in
 * a directory), in durable commits of 50,000 changes. The comparisons: delta-rs, which appends the
 * same rows in as many commits; `JSON.parse` of the same messages; and the same changes appended as
 * a table of typed columns. Rounds alternate; the medians are compared.
 *
 *     npm run bench -- append [messages] [rounds]
 */
import { changesToBatches } from "../packages/core/src/offline/change-log.ts";
import { historyTables } from "../packages/core/src/offline/history-tables.ts";
import { transactions } from "@tidemark/testkit/bank/definitions";
import { batchOf, type Change, specOfSource, type TableSpec } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { pythonReaders } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bankCommits } from "../packages/demo-pipeline/src/bank.ts";
import { debeziumMessages, topicOf } from "../packages/demo-pipeline/src/debezium.ts";
import { median } from "./figures.ts";

const [wanted = 150_000, rounds = 5] = process.argv.slice(2).map(Number);
const DAYS = 8;
/** The changes of a commit: the default of `store.run`. */
const COMMIT = 50_000;
const source = specOfSource(transactions);
const topic = topicOf("transaction_data");

interface Line {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string | null;
  readonly value: string | null;
}

type Message = Parameters<typeof kafkaMessage>[0];

/** The messages of a commit, as one piece of memory, so that a round holds one commit at a time. */
interface RecordedMessages {
  readonly length: number;
  /** Makes the messages. */
  messages(): readonly Message[];
}

/** Makes the messages of the demo's bank, without tombstones, commit by commit. */
function* bankMessages(): Generator<RecordedMessages> {
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
  let lines: Line[] = [];
  let left = wanted;
  for (const commit of commits)
    for (const { table, line } of toLines(commit)) {
      const message = JSON.parse(line) as Line;
      if (table !== "transaction_data" || message.value === null || left === 0) continue;
      lines.push(message);
      left--;
      if (lines.length < COMMIT && left > 0) continue;
      yield recorded(lines);
      lines = [];
    }
}

function recorded(lines: readonly Line[]): RecordedMessages {
  const bytes = Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n"));
  return {
    length: lines.length,
    messages: () =>
      bytes
        .toString()
        .split("\n")
        .map((text) => {
          const { offset, timestamp, key, value } = JSON.parse(text) as Line;
          const content = {
            key: key === null ? null : Buffer.from(key),
            value: Buffer.from(value!),
          };
          const at = { offset: Number(offset), timestamp: Number(timestamp) };
          return { topic, partition: 0, ...at, ...content };
        }),
  };
}

const python = pythonReaders();
if (python.missing !== null) {
  console.error(python.missing);
  process.exit(2);
}
const commits = [...bankMessages()];
const messages = commits.reduce((sum, { length }) => sum + length, 0);

/** Gives the processor time of some work in this process, in µs per message of the whole run. */
async function timed(work: () => unknown): Promise<number> {
  const { user, system } = process.cpuUsage();
  await work();
  const after = process.cpuUsage();
  return (after.user + after.system - user - system) / messages;
}

function decode(some: readonly Message[]): Change[] {
  const run = debeziumDecoder().start({ sources: [source], onWarning: () => undefined });
  return some.map((message) => {
    const change = run.decode(kafkaMessage(message));
    if (change === null || "skipped" in change) throw new Error("a message gave no change");
    return change;
  });
}

/** Parses each message, as a consumer without Tidemark does. */
function parse(some: readonly Message[]): unknown[] {
  return some.map(({ value }) => JSON.parse(String(value)) as unknown);
}

const { changes: log, declared } = historyTables(source);
const envelope = log.columns.filter(({ name }) => !["_row", "_key", "_format"].includes(name));
const typed: TableSpec = { name: "typed", columns: [...declared, ...envelope], partitionBy: [] };

/** Counts the bytes of a table's files, per message. */
function bytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return (
    files
      .filter((file) => file.endsWith(".parquet"))
      .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / messages
  );
}

/** What delta-rs took, in µs and bytes per row. */
interface PeerAppend {
  readonly cpu: number;
  readonly bytes: number;
  readonly version: string;
}

/** Appends the rows of a table to another one with delta-rs, in as many commits. */
async function appendWithDeltaRs(folder: string): Promise<PeerAppend> {
  const script = join(import.meta.dirname, "peers/deltars_append.py");
  const args = [script, join(folder, log.name), join(folder, "delta-rs"), String(COMMIT)];
  const { stdout } = await startPython(python.path, args).succeeded();
  const peer = JSON.parse(stdout.trim().split("\n").at(-1)!) as PeerAppend & { rows: number };
  if (peer.rows !== messages) throw new Error(`delta-rs has ${peer.rows} rows`);
  return { ...peer, cpu: (peer.cpu * 1e6) / peer.rows, bytes: peer.bytes / peer.rows };
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
  deltaRs: [] as number[],
};
const bytes = { raw: 0, typed: 0, deltaRs: 0 };
let version = "";

/** Appends all commits to new tables. */
async function measureRound(): Promise<{ readonly [K in keyof typeof times]: number }> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const store = deltaOfflineStore(localObjects(folder));
    const sums = { decode: 0, parse: 0, raw: 0, typed: 0, deltaRs: 0 };
    for (const commit of commits) {
      const some = commit.messages();
      sums.parse += await timed(() => parse(some));
      let changes: readonly Change[] = [];
      sums.decode += await timed(() => (changes = decode(some)));
      sums.raw += await timed(async () =>
        store.append(log, await changesToBatches(source, changes), { positions: [] }),
      );
      const withoutTexts = changes.map((change) => ({ ...change, logged: NO_TEXTS }));
      sums.typed += await timed(async () =>
        store.append(typed, await typedRows(withoutTexts), { positions: [] }),
      );
    }
    const peer = await appendWithDeltaRs(folder);
    [bytes.raw, bytes.typed] = [bytesOf(join(folder, log.name)), bytesOf(join(folder, typed.name))];
    [bytes.deltaRs, version] = [peer.bytes, peer.version];
    return { ...sums, deltaRs: peer.cpu };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (let round = -1; round < rounds; round++) {
  const measured = await measureRound();
  if (round < 0) continue; // the first round warms up
  for (const name of Object.keys(times) as (keyof typeof times)[]) times[name].push(measured[name]);
}

const micros = (list: readonly number[]): number => Number(median(list).toFixed(2));
const ratio = (a: readonly number[], b: readonly number[]): number =>
  Number(median(a.map((time, i) => time / b[i]!)).toFixed(3));
const perSecond = (list: readonly number[]): number => Math.round(1e6 / median(list));
console.log(
  `${messages} changes, µs of processor time each: decoded ${micros(times.decode)}, ` +
    `JSON.parse ${micros(times.parse)}; appended raw ${micros(times.raw)}, ` +
    `by delta-rs ${version} ${micros(times.deltaRs)}, as typed columns ${micros(times.typed)}`,
);
console.log(
  JSON.stringify({
    bench: "append",
    messages: messages,
    commit: COMMIT,
    rounds,
    rowsPerCpuSecond: { tidemark: perSecond(times.raw), deltaRs: perSecond(times.deltaRs) },
    ratio: ratio(times.deltaRs, times.raw),
    target: { rowsPerCpuSecond: 100_000, ratio: 1 },
    decodeRatio: ratio(times.decode, times.parse),
    appendRatio: ratio(times.raw, times.typed),
    bytes: {
      raw: Number(bytes.raw.toFixed(1)),
      deltaRs: Number(bytes.deltaRs.toFixed(1)),
      typed: Number(bytes.typed.toFixed(1)),
    },
  }),
);
