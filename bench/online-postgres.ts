/**
 * Compares reads through the store with bare SELECTs of the same bytes through the same client, in
 * one process and in turns, and prints how many cells a second it applies beside SQLite's store. It
 * starts its own PostgreSQL. The last line is JSON.
 *
 *     npm run bench -- online-postgres [cells]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresOnlineStore } from "@tidemark/adapter-postgres";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import type { OnlineStore } from "@tidemark/core/spi";
import { missingForPostgres } from "@tidemark/testkit/services/toolchain";
import { startPostgres } from "@tidemark/testkit/services";
import pg from "pg";
import { median } from "./figures.ts";

const missing = missingForPostgres();
if (missing !== null) {
  console.error(missing);
  process.exit(2);
}
const CELLS = Number(process.argv[2] ?? 20_000);
const [STEP, READS, ROUNDS, MANY] = [5_000, 1_500, 9, 100];
const server = await startPostgres();
// As long as Tidemark's keys, and with as long common prefixes.
const keys = Array.from({ length: CELLS }, (_, i) =>
  Buffer.from(
    `\u0001\u0007default\u000fweekly_activity\u0001\u000cuser_${String(i).padStart(7, "0")}`,
  ),
);
let state = 1;
const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const value = Buffer.from(Uint8Array.from({ length: 2048 }, () => random() * 256));
const order = keys.map((_, i) => i);
for (let i = order.length - 1; i > 0; i--) {
  const j = Math.floor(random() * (i + 1));
  [order[i], order[j]] = [order[j]!, order[i]!];
}

const client = new pg.Client({ connectionString: server.url });
await client.connect();
await client.query("CREATE TABLE bare (key bytea PRIMARY KEY, value bytea NOT NULL)");
await client.query("ALTER TABLE bare ALTER value SET STORAGE EXTERNAL");
await client.query("ALTER TABLE bare SET (toast_tuple_target = 8160)");
const store = postgresOnlineStore({ connectionString: server.url });
await store.open({ namespace: "default" });
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const sqlite = sqliteOnlineStore(join(folder, "online.db"));
await sqlite.open({ namespace: "default" });

/** Writes every cell over what it reads, in steps. Returns cells a second. */
async function apply(store: OnlineStore): Promise<number> {
  const start = performance.now();
  for (let at = 0; at < CELLS; at += STEP) {
    const step = order.slice(at, at + STEP).map((i) => keys[i]!);
    const cells = await store.read(step);
    const written = await store.write({
      source: "s",
      cells: step.map((key, j) => ({
        key,
        value,
        expected: cells[j]?.version ?? null,
        expires: 1e15 + j,
      })),
      positions: [],
    });
    if (written !== "done") throw new Error("conflict");
  }
  return Math.round((CELLS / (performance.now() - start)) * 1000);
}

/** Upserts every cell by a bare statement, in as many transactions. */
async function applyBare(): Promise<number> {
  const start = performance.now();
  for (let at = 0; at < CELLS; at += STEP) {
    const step = order.slice(at, at + STEP).map((i) => keys[i]!);
    await client.query({
      name: "upsert",
      text: `INSERT INTO bare SELECT * FROM unnest($1::bytea[], $2::bytea[])
        ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      values: [step, step.map(() => value)],
    });
  }
  return Math.round((CELLS / (performance.now() - start)) * 1000);
}

const rates: Record<string, number[]> = { store: [], bare: [], sqlite: [] };
for (let pass = 0; pass < 4; pass++) {
  value.fill(pass + 1, 0, 8);
  rates["bare"]!.push(await applyBare());
  rates["store"]!.push(await apply(store));
  rates["sqlite"]!.push(await apply(sqlite));
  console.log(
    `${pass === 0 ? "insert" : "update"}, cells/s in steps of ${STEP}: ` +
      `bare upsert ${rates["bare"]!.at(-1)!} · store, which reads first and compares ` +
      `${rates["store"]!.at(-1)!} · the same on SQLite ${rates["sqlite"]!.at(-1)!}`,
  );
}
const { rows } = await client.query<Record<string, number>>(
  `SELECT pg_total_relation_size('tidemark.cells')::int / 1e6 AS store,
    pg_total_relation_size('bare')::int / 1e6 AS bare,
    (SELECT round(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0)) FROM pg_stat_user_tables
      WHERE relname = 'cells')::int AS hot`,
);
console.log(`MB and % of updates without a new index entry: ${JSON.stringify(rows[0])}`);

const asked = Array.from({ length: READS }, () => keys[Math.floor(random() * CELLS)]!);
const known = new Map<Buffer, number>();
for (const key of asked) known.set(key, (await store.read([key]))[0]!.version);
const bareGet = (key: Buffer) =>
  client.query<{ readonly value: Buffer }>({
    name: "get",
    text: "SELECT value FROM bare WHERE key = $1",
    values: [key],
  });
const bareMany = (some: readonly Buffer[]) =>
  client.query<{ readonly value: Buffer }>({
    name: "many",
    text: "SELECT key, value FROM bare WHERE key = ANY ($1)",
    values: [some],
  });
const hundreds = Array.from({ length: READS / MANY }, (_, i) =>
  asked.slice(i * MANY, (i + 1) * MANY),
);
const sides: Record<string, () => Promise<void>> = {
  async bare() {
    for (const key of asked)
      if ((await bareGet(key)).rows[0]!.value.length !== 2048) throw new Error("not there");
  },
  async single() {
    for (const key of asked)
      if ((await store.read([key]))[0]!.value.length !== 2048) throw new Error("not there");
  },
  async known() {
    for (const key of asked)
      if ((await store.readIfChanged!([key], [known.get(key)!]))[0] !== "same")
        throw new Error("changed");
  },
  async bare100() {
    for (const some of hundreds)
      if ((await bareMany(some)).rows.some((row) => row.value.length !== 2048))
        throw new Error("not there");
  },
  async many() {
    for (const some of hundreds)
      if ((await store.read(some)).some((cell) => cell === null)) throw new Error("not there");
  },
};
const times: Record<string, number[]> = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(sides)) {
    const start = performance.now();
    await run();
    (times[name] ??= []).push(((performance.now() - start) / READS) * 1000);
  }
}
/** The median of the ratios of neighbouring runs. */
const ratio = (side: string, bare: string): number =>
  Number(median(times[side]!.map((time, round) => time / times[bare]![round]!)).toFixed(2));
const µs = (name: string): string => `${median(times[name]!).toFixed(0)} µs`;
console.log(
  `one cell: bare SELECT ${µs("bare")} · read of one ${µs("single")} · ` +
    `readIfChanged of one that did not ${µs("known")}; ` +
    `of ${MANY}, each: bare ${µs("bare100")} · read ${µs("many")}`,
);
await store.close();
await sqlite.close();
rmSync(folder, { recursive: true });
await client.end();
await server.stop();
console.log(
  JSON.stringify({
    bench: "online-postgres",
    cells: CELLS,
    ratio: ratio("single", "bare"),
    ratio100: ratio("many", "bare100"),
    ratioKnown: ratio("known", "bare"),
    applied: rates["store"],
    appliedSqlite: rates["sqlite"],
    target: 1.3,
  }),
);
