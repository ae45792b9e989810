/**
 * An online store (SQLite) filled from a history (Delta, in a directory) against the same store fed
 * by a replay of the same messages from a recorded topic. The last line is JSON.
 *
 *     node --conditions=@tidemark/source packages/cli/bench/backfill.ts [messages] [seed] [users]
 */
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { micros, openStore, type Store, type StoreOptions } from "@tidemark/core";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { randomAmount, transactionMessage, userName } from "@tidemark/testkit/bank/transactions";
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

const topic = join(directory, "topic.jsonl");
const file = openSync(topic, "w");
for (let offset = 0; offset < messages; offset++) {
  const committed = start + offset * step;
  const id = offset > 0 && random.chance(0.2) ? random.int(offset) + 1 : offset + 1;
  const row = {
    id,
    user: userName((id * 7919) % users),
    vendor: random.pick(["Online Shopping", "Hospital", "Sport", "Grocery", null]),
    channel: random.pick(["Current Account", "Credit Card"]),
    time: start + id * step - 1_000_000,
    amount: randomAmount(random),
  };
  const op = id === offset + 1 ? "c" : "u";
  writeSync(file, `${transactionMessage({ op, row, offset, committed })}\n`);
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
  const entities = Array.from({ length: 200 }, (_, i) => ({ user_id: userName(i) }));
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
