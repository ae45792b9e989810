/**
 * Measures the time from a commit in PostgreSQL to a served value. The pipeline is real:
 * PostgreSQL, Debezium, Kafka, Tidemark, SQLite, with the history on MinIO. The comparison is the
 * time at which a bare kafkajs consumer has Debezium's message; the rest is Tidemark's delay. Some
 * rows are probes. From the moment a probe is sent, the stream's process calls `getOnlineFeatures`
 * every millisecond until the answer counts the row.
 *
 *     npm run bench -- freshness [seconds quiet] [seconds busy] [changes a second]
 */
import { openStore } from "@tidemark/core";
import type { ChangeSource, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { s3Objects } from "@tidemark/adapter-minio";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore } from "@tidemark/delta";
import { kafkaChanges, registerConnector } from "@tidemark/source-debezium";
import kafkajs from "kafkajs";
import pg from "pg";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { startPipeline } from "@tidemark/testkit/services/pipeline";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { quantile } from "./figures.ts";
import {
  clock,
  type ClientMessage,
  type Phase,
  PROBE_USERS,
  probeUser,
  startThread,
} from "./stream-client.ts";
import { exitIfMissing, needKafka, needMinio, needPostgres } from "./stream-needs.ts";

exitIfMissing(needPostgres(), needKafka(), needMinio());
const [quiet = 70, busy = 70, rate = 2_000] = process.argv.slice(2).map(Number);
const topic = "bank.public.transaction_data";
const BUCKET = "bench";
/** The number of rows before the connector starts. */
const ROWS = 20_000;

interface Probe {
  committed?: number;
  wall?: number;
  arrived?: number;
  logged?: number;
  offset?: number;
  /**
   * The times at which a batch with the row left the source, was durable in the online store, and
   * was seen by a reader.
   */
  emitted?: number;
  written?: number;
  served?: number;
}

const probes = new Map<number, Probe>();
const probeOf = (probe: number): Probe => {
  let found = probes.get(probe);
  if (found === undefined) probes.set(probe, (found = {}));
  return found;
};
/** The progress of the stream: the last offset, and the moment. */
const emitted: { readonly offset: number; readonly at: number }[] = [];
const written: { readonly offset: number; readonly at: number }[] = [];
/** The durations of the history's steps in the current phase, in ms. */
let commits: number[] = [];

function watchedSource(source: ChangeSource): ChangeSource {
  return {
    name: source.name,
    shared: source.shared === true,
    async *changes(options) {
      for await (const batch of source.changes(options)) {
        const offset = batch.positions[0]?.offset;
        if (offset !== undefined) emitted.push({ offset, at: clock() });
        yield batch;
      }
    },
  };
}

function watchedOnline(store: OnlineStore): OnlineStore {
  return {
    ...store,
    async write(step) {
      const done = await store.write(step);
      const offset = step.positions[0]?.next;
      if (done === "done" && offset !== undefined) written.push({ offset, at: clock() });
      return done;
    },
  };
}

function watchedOffline(store: OfflineStore): OfflineStore {
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const began = clock();
    const result = await work;
    commits.push(clock() - began);
    return result;
  };
  return {
    ...store,
    append: (...args) => timed(store.append(...args)),
    rewrite: (...args) => timed(store.rewrite(...args)),
  };
}

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const pipeline = await startPipeline({
  onReady: (name, seconds) => {
    console.log(`${name} is ready after ${seconds.toFixed(1)} s`);
  },
});
const threads: { terminate(): Promise<unknown> }[] = [];
try {
  const { postgres, kafka, connect, minio, inside } = pipeline;
  await minio.createBucket(BUCKET);
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  await database.query(`
    CREATE TABLE transaction_data (
      id bigint PRIMARY KEY, "User ID" varchar NOT NULL, "Transaction ID" varchar,
      "Vendor" varchar, "Sources" varchar, "Time" varchar, "Amount" double precision);
    INSERT INTO transaction_data
      SELECT i, 'user_' || lpad((i % 2000)::text, 6, '0'), 'tx-' || i, 'Grocery', 'Debit Card',
        to_char(now() at time zone 'UTC' - i * interval '20 seconds', 'YYYY-MM-DD HH24:MI:SS'),
        i % 977
      FROM generate_series(1, ${ROWS}) i`);
  await database.end();
  await registerConnector({
    url: connect.url,
    name: "bank",
    tables: ["public.transaction_data"],
    database: {
      host: inside.postgres.host,
      port: inside.postgres.port,
      user: postgres.user,
      password: postgres.password,
      name: postgres.database,
    },
  });

  const objects = s3Objects({
    bucket: BUCKET,
    prefix: "lake",
    endpoint: minio.endpoint,
    credentials: minio.credentials,
  });
  const store = await openStore({
    definitions: { weekly },
    online: {
      store: watchedOnline(sqliteOnlineStore(join(folder, "online.db"))),
      // the first probes are asked before the run was level with the topic
      serveWhileFilling: true,
    },
    offline: watchedOffline(deltaOfflineStore(objects)),
  });
  const stop = new AbortController();
  let failed: unknown = null;
  await untilThere(kafka.brokers);
  const running = store
    .run(watchedSource(kafkaChanges({ brokers: kafka.brokers, topics: topic })), {
      signal: stop.signal,
    })
    .catch((error: unknown) => {
      if (!stop.signal.aborted) failed = error;
    });

  let done: { readonly changes: number; readonly seconds: number } | null = null;
  let ready = 0;
  const outstanding = new Set<number>();
  const note = (said: ClientMessage): void => {
    if (said.kind === "ready") ready++;
    else if (said.kind === "done") done = said;
    else if (said.kind === "sending") outstanding.add(said.probe);
    else Object.assign(probeOf(said.probe), said);
  };
  const bank = startThread({ role: "bank", url: postgres.url }, note);
  const bare = startThread({ role: "bare", brokers: kafka.brokers, topic }, note);
  threads.push(bank, bare);
  while (ready < 2) await sleep(50);

  /** Requests the users of open probes, until the phase has ended and all its probes are served. */
  async function watch(): Promise<void> {
    while (done === null || outstanding.size > 0) {
      if (failed !== null) throw failed;
      const asked = [...outstanding].slice(0, 20);
      if (asked.length > 0) {
        const rows = await store.getOnlineFeatures({
          features: weekly,
          entities: asked.map((probe) => ({ user_id: probeUser(probe) })),
        });
        const now = clock();
        asked.forEach((probe, i) => {
          if (rows[i]!.num_transactions_l1w <= BigInt(Math.floor(probe / PROBE_USERS))) return;
          outstanding.delete(probe);
          probeOf(probe).served = now;
        });
      }
      await sleep(1);
    }
    // The bare consumer's messages may still be on their way.
    for (const probe of probes.values())
      while (probe.arrived === undefined || probe.committed === undefined) await sleep(10);
  }

  async function phase(name: string, settings: Phase) {
    probes.clear();
    emitted.length = 0;
    written.length = 0;
    commits = [];
    done = null;
    const before = performance.eventLoopUtilization();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    bank.postMessage(settings);
    await watch();
    const busyShare = performance.eventLoopUtilization(before).utilization;
    const all = [...probes.values()] as Required<Probe>[];
    for (const probe of all) {
      probe.emitted = emitted.find(({ offset }) => offset >= probe.offset)!.at;
      probe.written = written.find(({ offset }) => offset >= probe.offset)!.at;
    }
    const spread = (of: (probe: Required<Probe>) => number) => {
      const list = all.map(of);
      return Object.fromEntries(
        (
          [
            ["p50", 0.5],
            ["p99", 0.99],
            ["max", 1],
          ] as const
        ).map(([label, share]) => [label, Number(quantile(list, share).toFixed(1))]),
      ) as { p50: number; p99: number; max: number };
    };
    const result = {
      probes: all.length,
      perSecond: Math.round(done!.changes / done!.seconds),
      loopBusy: Number(busyShare.toFixed(2)),
      arrived: spread(({ arrived, committed }) => arrived - committed),
      served: spread(({ served, committed }) => served - committed),
      added: spread(({ served, arrived }) => served - arrived),
      parts: {
        handedOn: spread((probe) => probe.emitted - probe.arrived),
        written: spread((probe) => probe.written - probe.emitted),
        seen: spread((probe) => probe.served - probe.written),
      },
      historyCommits: {
        count: commits.length,
        longest: Number(Math.max(0, ...commits).toFixed(0)),
      },
    };
    const line = (
      label: string,
      { p50, p99, max }: { p50: number; p99: number; max: number },
    ): string =>
      `  ${label.padEnd(42)} p50 ${String(p50).padStart(7)}   p99 ` +
      `${String(p99).padStart(7)}   max ${String(max).padStart(7)} ms`;
    console.log(
      `${name}: ${result.probes} probes, ${result.perSecond} changes/s; ` +
        `the thread of store and reader is busy ${(busyShare * 100).toFixed(0)} % of the time`,
    );
    console.log(
      [
        line("COMMIT → a bare consumer has the message", result.arrived),
        line("COMMIT → served", result.served),
        line("we add", result.added),
        line("  arrived → handed on, decoded", result.parts.handedOn),
        line("  → durable in the online store", result.parts.written),
        line("  → seen by a reader", result.parts.seen),
      ].join("\n"),
    );
    console.log(
      `  COMMIT returned ${quantile(
        all.map(({ wall, logged }) => (wall - logged) / 1000),
        0.5,
      ).toFixed(1)} ms (median) after the commit time that Debezium tells; ` +
        `${commits.length} commits of the history, the longest ${result.historyCommits.longest} ms`,
    );
    return result;
  }

  await phase("warm-up", { seconds: 5, rate: rate / 4, least: 20, most: 60 });
  const still = await phase("quiet", { seconds: quiet, rate: 0, least: 100, most: 200 });
  const loaded = await phase(`at ${rate} changes/s`, { seconds: busy, rate, least: 20, most: 60 });
  stop.abort();
  await running;
  await store.close();
  console.log(
    JSON.stringify({
      bench: "freshness",
      quiet: still,
      busy: loaded,
      addedP99: { quiet: still.added.p99, busy: loaded.added.p99 },
      goal: { quiet: 50, busy: 250 },
      ratio: { quiet: ratio(still), busy: ratio(loaded) },
    }),
  );
} finally {
  for (const thread of threads) await thread.terminate();
  await pipeline.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Waits for the topic, which the connector makes with the table's first row. */
async function untilThere(brokers: readonly string[]): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  while (!(await admin.listTopics()).includes(topic)) await sleep(100);
  await admin.disconnect();
}

/**
 * Divides the median delay until served by the median delay until arrival, both from the commit on.
 */
function ratio({
  served,
  arrived,
}: {
  readonly served: { readonly p50: number };
  readonly arrived: { readonly p50: number };
}): number {
  return Number((served.p50 / arrived.p50).toFixed(2));
}
