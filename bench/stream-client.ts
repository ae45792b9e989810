/**
 * Runs the two sides around the freshness benchmark in threads, so that the store's work does not
 * slow their clock. One is the bank's program, which commits rows. The other is a bare kafkajs
 * consumer, which sees Debezium's messages arrive. All times are of one clock, in ms.
 */
import kafkajs from "kafkajs";
import pg from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Random } from "@tidemark/testkit";
import { CHANNELS, randomAmount, userName, VENDORS } from "@tidemark/testkit/bank/transactions";

/** The first id of the rows whose delay is measured. */
export const PROBES = 1_000_000_000;
/**
 * The number of users that the probes alternate between, so a probe is a further row of a known
 * user.
 */
export const PROBE_USERS = 50;
const USERS = 2_000;

/** Returns the monotonic time in ms, equal in all threads of a process. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

export type ClientMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "sending"; readonly probe: number }
  /** `committed`: when COMMIT returned. `wall`: the same moment by the machine's clock, in µs. */
  | {
      readonly kind: "committed";
      readonly probe: number;
      readonly committed: number;
      readonly wall: number;
    }
  /** `logged`: Debezium's commit time in µs. */
  | {
      readonly kind: "arrived";
      readonly probe: number;
      readonly offset: number;
      readonly arrived: number;
      readonly logged: number;
    }
  | { readonly kind: "done"; readonly changes: number; readonly seconds: number };

/**
 * The number of other rows each second, and the pauses between two probes in ms, drawn from [least,
 * most).
 */
export interface Phase {
  readonly seconds: number;
  readonly rate: number;
  readonly least: number;
  readonly most: number;
}

type Role =
  | { readonly role: "bank"; readonly url: string }
  | { readonly role: "bare"; readonly brokers: readonly string[]; readonly topic: string };

export function startThread(data: Role, onMessage: (message: ClientMessage) => void): Worker {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  worker.on("message", onMessage);
  return worker;
}

export const probeUser = (probe: number): string =>
  `probe_${String(probe % PROBE_USERS).padStart(2, "0")}`;

if (!isMainThread) {
  const data = workerData as Role;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const tell = (note: ClientMessage): void => {
    parentPort!.postMessage(note);
  };
  if (data.role === "bare") await watchTopic(data.brokers, data.topic, tell);
  else await writeBankRows(data.url, tell);
}

async function watchTopic(
  brokers: readonly string[],
  topic: string,
  tell: (note: ClientMessage) => void,
): Promise<void> {
  const consumer = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).consumer({ groupId: "bare", maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  consumer.on(consumer.events.GROUP_JOIN, () => {
    tell({ kind: "ready" });
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const arrived = clock();
      for (const { key, value, offset } of batch.messages) {
        const id = Number(/"id":(\d+)/.exec(key!.toString())![1]);
        if (id < PROBES || value === null) continue;
        tell({
          kind: "arrived",
          probe: id - PROBES,
          offset: Number(offset),
          arrived,
          logged: Number(/"ts_us":(\d+)/.exec(value.toString())![1]),
        });
      }
    },
  });
}

async function writeBankRows(
  connectionString: string,
  tell: (note: ClientMessage) => void,
): Promise<void> {
  const clients = Array.from({ length: 4 }, () => new pg.Client({ connectionString }));
  await Promise.all(clients.map((client) => client.connect()));
  const [probes, ...writers] = clients as [pg.Client, ...pg.Client[]];
  const random = new Random(5);
  let id = 1_000_000;
  let probe = 0;
  const row = (number: number, user: string): unknown[] => [
    number,
    user,
    `tx-${number}`,
    random.pick(VENDORS),
    random.pick(CHANNELS),
    new Date(Date.now() - 1000).toISOString().slice(0, 23).replace("T", " "),
    randomAmount(random),
  ];
  const insert = (rows: number): string =>
    "INSERT INTO transaction_data VALUES " +
    Array.from({ length: rows }, (_, i) => {
      const parameters = [1, 2, 3, 4, 5, 6, 7].map((n) => `$${i * 7 + n}`);
      return `(${parameters.join(", ")})`;
    }).join(", ");
  const twenty =
    `WITH added AS (${insert(16)}) UPDATE transaction_data SET "Sources" = 'Current Account', ` +
    `"Amount" = "Amount" + 1 WHERE id = ANY($113)`;

  /**
   * Commits transactions of twenty changes at an even pace; four changes are updates of recent
   * rows. A late transaction is made up for.
   */
  async function fill(client: pg.Client, { rate, seconds }: Phase): Promise<number> {
    const began = clock();
    let changes = 0;
    while (rate > 0 && clock() - began < seconds * 1000) {
      const due = (changes / (rate / writers.length)) * 1000 - (clock() - began);
      if (due > 0) await sleep(due);
      const rows = Array.from({ length: 16 }, () => row(++id, userName(random.int(USERS)))).flat();
      const lately = [1, 2, 3, 4].map((n) => id - 100 * n - random.int(100));
      const { rowCount } = await client.query({
        name: "twenty",
        text: twenty,
        values: [...rows, lately],
      });
      changes += 16 + (rowCount ?? 0);
    }
    return changes;
  }

  parentPort!.on("message", (phase: Phase) => {
    void run(phase);
  });
  tell({ kind: "ready" });

  async function run(phase: Phase): Promise<void> {
    const began = clock();
    const backfilling = Promise.all(writers.map((client) => fill(client, phase)));
    let sent = 0;
    while (clock() - began < phase.seconds * 1000) {
      const mine = probe++;
      tell({ kind: "sending", probe: mine });
      await probes.query({
        name: "probe",
        text: insert(1),
        values: row(PROBES + mine, probeUser(mine)),
      });
      tell({
        kind: "committed",
        probe: mine,
        committed: clock(),
        wall: (performance.timeOrigin + performance.now()) * 1000,
      });
      sent++;
      await sleep(phase.least + random.fraction() * (phase.most - phase.least));
    }
    const changes = (await backfilling).reduce((sum, some) => sum + some, sent);
    tell({ kind: "done", changes, seconds: (clock() - began) / 1000 });
  }
}
