/**
 * An online store (SQLite) filled from a history (Delta, in a directory) against the same store fed
 * by a replay of the same messages from a recorded topic. The last line is JSON.
 *
 *     node --conditions=@tidemark/source packages/cli/bench/backfill.ts [messages] [seed] [users]
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
  micros,
  min,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import { formatTime } from "@tidemark/core/spi";
import { Random } from "@tidemark/testkit";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [messages = 100_000, seed = 1, users = 2_000] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const random = new Random(seed);
const start = 1_740_787_200_000_000;
const step = 12_000_000;

const user = entity("user", { keys: { user_id: string() } });
const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    num: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    mean: avg(transactions.amount).over("7d"),
    least: min(transactions.amount).over("7d"),
    most: max(transactions.amount).over("7d"),
    vendors: countDistinct(transactions.vendor).over("7d"),
    channels: countDistinct(transactions.channel).over("7d"),
  },
});

const topic = join(directory, "topic.jsonl");
const file = openSync(topic, "w");
for (let offset = 0; offset < messages; offset++) {
  const committed = start + offset * step;
  const id = offset > 0 && random.chance(0.2) ? random.int(offset) + 1 : offset + 1;
  const after = {
    id: id,
    "User ID": `user_${String((id * 7919) % users).padStart(6, "0")}`,
    Vendor: random.pick(["Online Shopping", "Hospital", "Sport", "Grocery", null]),
    Sources: random.pick(["Current Account", "Credit Card"]),
    Time: formatTime(start + id * step - 1_000_000)
      .slice(0, 26)
      .replace("T", " "),
    Amount: Math.round(random.fraction() * 100_000) / 100,
  };
  const clock = { ts_ms: Math.floor(committed / 1000), ts_us: committed };
  const origin = {
    snapshot: "false",
    schema: "public",
    table: "transaction_data",
    lsn: 26_000_100 + offset * 100,
    txId: 700 + offset,
    sequence: `["${26_000_000 + offset * 100}","${26_000_100 + offset * 100}"]`,
    ...clock,
  };
  const value = JSON.stringify({
    before: null,
    after,
    source: origin,
    op: id === offset + 1 ? "c" : "u",
    ...clock,
  });
  writeSync(
    file,
    `${JSON.stringify({ topic: "bank.public.transaction_data", partition: 0, offset: String(offset), timestamp: String(clock.ts_ms), key: JSON.stringify({ id }), value, headers: {} })}\n`,
  );
}
closeSync(file);

const now = new Date((start + messages * step) / 1000);
const open = (stores: Pick<StoreOptions, "online" | "offline">): Promise<Store> =>
  openStore({ definitions: { weekly }, clock: () => now, ...stores });
const offline = (): ReturnType<typeof deltaOfflineStore> =>
  deltaOfflineStore(localObjects(join(directory, "lake")));
const online = (name: string): ReturnType<typeof sqliteOnlineStore> =>
  sqliteOnlineStore(join(directory, name));

async function timed(name: string, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${name.padEnd(34)} ${seconds.toFixed(2)} s, ${Math.round(messages / seconds)} changes/s`,
  );
  return seconds;
}

async function answers(store: Store): Promise<string> {
  const entities = Array.from({ length: 200 }, (_, i) => ({
    user_id: `user_${String(i).padStart(6, "0")}`,
  }));
  return JSON.stringify(
    await store.getOnlineFeatures({
      features: weekly,
      entities,
      asOf: micros(now.getTime() * 1000),
    }),
    (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value),
  );
}

console.log(`${messages} messages of ${users} users, seed ${seed}`);
const history = await open({ offline: offline() });
await timed("topic into the history", () => history.run(recordedTopic(topic)));
await history.close();
const replayed = await open({ online: online("replayed.db") });
const replay = await timed("topic into an empty online store", () =>
  replayed.run(recordedTopic(topic)),
);
const filled = await open({ online: online("filled.db"), offline: offline() });
const backfill = await timed("history into an empty online store", () => filled.backfill());
if ((await answers(replayed)) !== (await answers(filled)))
  throw new Error("the two online stores answer otherwise");
await replayed.close();
await filled.close();
rmSync(directory, { recursive: true, force: true });
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  JSON.stringify({
    bench: "backfill",
    messages,
    users,
    seed,
    replayPerSecond: Math.round(messages / replay),
    backfillPerSecond: Math.round(messages / backfill),
    ratio: Number((replay / backfill).toFixed(2)),
    mebibytes,
  }),
);
