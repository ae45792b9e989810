/**
 * Measures the read of an entity with a million events, at random times, and one-row commits to it.
 * The comparison is the read of an entity with 70 events. Features are over 30 days, 7 days and an
 * hour. No answers are kept. Both kinds are asked in turn; the medians of the rounds are compared.
 */
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import {
  avg,
  count,
  countDistinct,
  featureView,
  max,
  micros,
  min,
  openStore,
  sum,
} from "@tidemark/core";
import { Random } from "@tidemark/testkit";
import { transactions, user } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./figures.ts";

const DAY = 86_400_000_000;
const END = 1_741_600_000_000_000;
const SPAN = 30 * DAY;
const HOT_EVENTS = Number(process.argv[2] ?? 1_000_000);
const QUIET_USERS = 2000;
const QUIET_EVENTS = 70;
const ROUNDS = 7;
const CALLS = 200;
const COMMITS = 300;

const { amount, vendor, channel } = transactions;
const busy = featureView("busy", {
  entity: user,
  source: transactions,
  features: Object.fromEntries(
    (["1h", "7d", "30d"] as const).flatMap((length) => [
      [`count_${length}`, count().over(length)],
      [`sum_${length}`, sum(amount).over(length)],
      [`avg_${length}`, avg(amount).over(length)],
      [`min_${length}`, min(amount).over(length)],
      [`max_${length}`, max(amount).over(length)],
      [`vendors_${length}`, countDistinct(vendor).over(length)],
      [`channels_${length}`, countDistinct(channel).over(length)],
    ]),
  ),
});

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
try {
  const store = await openStore({
    definitions: { busy },
    online: {
      store: sqliteOnlineStore(join(folder, "online.db")),
      retention: "31d",
      answerCache: { maxBytes: 0 },
    },
    clock: () => new Date(END / 1000),
  });
  const events = HOT_EVENTS + QUIET_USERS * QUIET_EVENTS;
  const every = Math.ceil(events / (QUIET_USERS * QUIET_EVENTS));
  const began = performance.now();
  await store.run(
    transactionSource(
      transactionRows({
        users: QUIET_USERS + 1,
        events,
        end: END,
        span: SPAN,
        userOf: (id) => (id % every === 0 ? 1 + ((id / every) % QUIET_USERS) : 0),
      }),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${events} changes applied in ${seconds.toFixed(1)} s; ` +
      `online.db is ${(statSync(join(folder, "online.db")).size / 2 ** 20).toFixed(0)} MiB`,
  );

  const random = new Random(5);
  async function read(entity: () => string, at: () => number): Promise<number> {
    const asked = Array.from({ length: CALLS }, () => ({ user_id: entity(), t: at() }));
    const start = performance.now();
    for (const { user_id, t } of asked)
      await store.getOnlineFeatures({ features: busy, entities: [{ user_id }], asOf: micros(t) });
    return ((performance.now() - start) / CALLS) * 1000;
  }
  const anyTime = (): number => END - Math.floor(random.fraction() * DAY);
  const quietUser = (): string => userName(1 + random.int(QUIET_USERS));
  const hotUser = (): string => userName(0);
  const [hot, hotNow, quiet]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(await read(quietUser, anyTime));
    hot.push(await read(hotUser, anyTime));
    hotNow.push(await read(hotUser, () => END));
  }
  const commits: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const rows = Array.from({ length: COMMITS }, (_, n) => {
      const id = events + round * COMMITS + n;
      return {
        id,
        user: userName(0),
        vendor: "Sport",
        channel: "Debit Card",
        amount: 1.5,
        time: END + id,
      };
    });
    const cpu = process.cpuUsage();
    await store.run(transactionSource(rows, { batch: 1 }));
    const { user: spent, system } = process.cpuUsage(cpu);
    commits.push((spent + system) / COMMITS);
  }
  await store.close();
  const [h, now, q, commit] = [hot, hotNow, quiet, commits].map(median) as [
    number,
    number,
    number,
    number,
  ];
  console.log(
    `${HOT_EVENTS} events: ${h.toFixed(0)} µs at any time, ${now.toFixed(0)} µs now; ` +
      `${QUIET_EVENTS} events: ${q.toFixed(0)} µs; ` +
      `a commit of one row: ${commit.toFixed(0)} µs of CPU`,
  );
  console.log(
    JSON.stringify({
      bench: "hot-entity",
      ratio: { anyTime: Number((h / q).toFixed(2)), now: Number((now / q).toFixed(2)) },
      target: { anyTime: 8 },
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
