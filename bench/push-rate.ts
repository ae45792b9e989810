/**
 * Measures pushes of one row, of many at once, and of a thousand rows each. The stores are SQLite
 * alone, and SQLite with Delta on local disk.
 */
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import {
  avg,
  count,
  countDistinct,
  entity,
  featureView,
  float64,
  int64,
  max,
  min,
  openStore,
  pushSource,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import Database from "better-sqlite3";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const user = entity("user", { keys: { user_id: string() } });
const purchases = pushSource("purchases", {
  columns: {
    id: int64(),
    user_id: string(),
    vendor: string(),
    channel: string(),
    amount: float64(),
    time: timestamp({ mode: "micros" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: purchases,
  features: {
    num: count().over("7d"),
    total: sum(purchases.amount).over("7d"),
    mean: avg(purchases.amount).over("7d"),
    least: min(purchases.amount).over("7d"),
    most: max(purchases.amount).over("7d"),
    vendors: countDistinct(purchases.vendor).over("7d"),
    channels: countDistinct(purchases.channel).over("7d"),
  },
});

const SECONDS = 4;
const figures: Record<string, { readonly pushes: number; readonly rows: number }> = {};

function printFigures(name: string, times: readonly number[], seconds: number, size: number): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1)} ms`;
  figures[name] = {
    pushes: Math.round(times.length / seconds),
    rows: Math.round((times.length * size) / seconds),
  };
  const { pushes, rows } = figures[name];
  console.log(
    `${name.padEnd(52)} ${pushes.toLocaleString("en").padStart(7)}/s ` +
      `${rows.toLocaleString("en").padStart(9)} rows/s   p50 ${at(0.5)}, p99 ${at(0.99)}`,
  );
}

let id = 0;
const rows = (n: number) =>
  Array.from({ length: n }, () => {
    id++;
    return {
      id,
      user_id: `user_${(id * 7919) % 10_000}`,
      vendor: `vendor ${id % 50}`,
      channel: `channel ${id % 5}`,
      amount: (id % 1000) / 8,
      time: BigInt(Date.now()) * 1000n,
    };
  });

/** Measures the comparison: a durable table with an index. */
function measureBareTable(folder: string): void {
  const database = new Database(join(folder, "bare.db"));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(
    "CREATE TABLE purchases (id INTEGER PRIMARY KEY, user_id TEXT, vendor TEXT, channel TEXT, " +
      "amount REAL, time INTEGER); CREATE INDEX by_user ON purchases (user_id, time)",
  );
  const put = database.prepare(
    "INSERT OR REPLACE INTO purchases VALUES (@id, @user_id, @vendor, @channel, @amount, @time)",
  );
  const all = database.transaction((many: ReturnType<typeof rows>) => {
    for (const row of many) put.run(row);
  });
  for (const size of [1, 1_000]) {
    const times: number[] = [];
    const start = performance.now();
    while (performance.now() - start < SECONDS * 1000) {
      const from = performance.now();
      all(rows(size));
      times.push(performance.now() - from);
    }
    printFigures(
      `bare SQLite table, ${size.toLocaleString("en")} rows`,
      times,
      (performance.now() - start) / 1000,
      size,
    );
  }
  database.close();
}

async function measurePush(folder: string, history: boolean): Promise<void> {
  const store = await openStore({
    definitions: { weekly },
    online: sqliteOnlineStore(join(folder, "online.db")),
    offline: history ? deltaOfflineStore(localObjects(join(folder, "lake"))) : undefined,
  });
  for (const [size, clients] of [
    [1, 1],
    [1, 32],
    [1_000, 1],
    [1_000, 4],
  ] as const) {
    const times: number[] = [];
    const start = performance.now();
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() - start < SECONDS * 1000) {
          const from = performance.now();
          await store.push(purchases, rows(size));
          times.push(performance.now() - from);
        }
      }),
    );
    printFigures(
      `push into ${history ? "SQLite and Delta" : "SQLite alone"}, ` +
        `${size.toLocaleString("en")} rows, ${clients} at once`,
      times,
      (performance.now() - start) / 1000,
      size,
    );
  }
  await store.close();
}

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
measureBareTable(folder);
for (const history of [false, true]) {
  const own = mkdtempSync(join(folder, "stores-"));
  await measurePush(own, history);
}
rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify({ bench: "push", figures }));
