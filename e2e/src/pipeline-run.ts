/**
 * Runs one pipeline: its own database, connector, topics and stores. Starts runs over it, and waits
 * until all changes are in the stores.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import { isTidemarkError, openStore, type RunProgress, type Store } from "@tidemark/core";
import { Random } from "@tidemark/testkit";
import type { ObjectStore } from "@tidemark/delta";
import type { PipelineAddresses } from "@tidemark/testkit/services";
import {
  connectorStatus,
  deleteConnector,
  kafkaChanges,
  registerConnector,
  restartConnector,
  type KafkaChanges,
  type KafkaChangesOptions,
} from "@tidemark/source-debezium";
import type pg from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { checkPipeline, type CheckResult } from "./pipeline-check.ts";
import type { CheckedDefinitions } from "./pipeline-definitions.ts";
import { BANK_SQL, BANK_TABLES, connected } from "./pipeline-load.ts";
import { keepingStores, type RealStores } from "./real-stores.ts";

export const BUCKET = "lakes";

export interface PipelineFlow {
  readonly name: string;
  readonly url: string;
  readonly topics: RegExp;
  /** Waits until Kafka holds every change of the tables that was committed before. */
  waitForReplication(): Promise<void>;
  /**
   * Starts another connector over the same tables, which begins with a new snapshot. Its topics
   * have this prefix.
   */
  withNewConnector(prefix: string): Promise<PipelineFlow>;
  close(): Promise<void>;
}

export interface PipelineFlowOptions {
  readonly sql?: string | undefined;
  /** The tables; null for all tables of the database. */
  readonly tables?: readonly string[] | null | undefined;
  /** The settings of each connector by the prefix of its topics; all read one database. */
  readonly connectors?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** The programs that a flow uses. */
type FlowServices = Pick<PipelineAddresses, "postgres" | "connect"> & {
  readonly inside: Pick<PipelineAddresses["inside"], "postgres">;
};

/** A table without definitions, whose changes show that the connector goes on. */
const HEARTBEAT_SQL =
  "CREATE TABLE public.beat (id int PRIMARY KEY, n bigint); INSERT INTO public.beat VALUES (1, 0)";

/** Three partitions per topic; lost connections are retried soon. */
const CONNECTOR_OVERRIDES = {
  "topic.creation.default.partitions": "3",
  "topic.creation.default.replication.factor": "1",
  "heartbeat.interval.ms": "1000",
  "retriable.restart.connector.wait.ms": "1000",
  "slot.retry.delay.ms": "1000",
};

/** Makes a database and its connectors. */
export async function startFlow(
  pipeline: FlowServices,
  name: string,
  { sql = BANK_SQL, tables = BANK_TABLES, connectors = { [name]: {} } }: PipelineFlowOptions = {},
): Promise<PipelineFlow> {
  const { postgres } = pipeline;
  const main = await connected(postgres.url);
  await main.query(`CREATE DATABASE ${name}`);
  await main.end();
  const url = postgres.url.replace(/[^/]*$/, name);
  const database = await connected(url);
  await database.query(`${sql}; ${HEARTBEAT_SQL}`);
  await database.end();
  return startConnectors(pipeline, name, url, tables, connectors);
}

/** Makes the connectors, and waits until the snapshot of the tables is in Kafka. */
async function startConnectors(
  pipeline: FlowServices,
  name: string,
  url: string,
  tables: readonly string[] | null,
  connectors: NonNullable<PipelineFlowOptions["connectors"]>,
): Promise<PipelineFlow> {
  const { postgres, connect, inside } = pipeline;
  const prefixes = Object.keys(connectors);
  const database = await connected(url);
  for (const [prefix, overrides] of Object.entries(connectors)) {
    await registerConnector({
      url: connect.url,
      name: prefix,
      database: { ...inside.postgres, user: postgres.user, password: postgres.password, name },
      tables: tables === null ? undefined : [...tables, "public.beat"],
      overrides: { ...CONNECTOR_OVERRIDES, ...overrides },
      timeLimit: "2m",
    });
  }
  // A run takes the topics that exist when it starts, and the snapshot makes them. The snapshot is
  // over when the connector follows the log.
  for (const prefix of prefixes)
    await untilTrue(
      `the snapshot of ${prefix}`,
      async () => (await slotHas("active", database, prefix)) === true,
      200,
    );
  await database.end();
  await waitForReplication(pipeline, url, prefixes);
  return {
    name,
    url,
    topics: new RegExp(`^(${prefixes.join("|")})\\.public\\.`),
    waitForReplication: () => waitForReplication(pipeline, url, prefixes),
    withNewConnector: (prefix) => startConnectors(pipeline, name, url, tables, { [prefix]: {} }),
    async close() {
      for (const prefix of prefixes)
        await deleteConnector({ url: connect.url, name: prefix, timeLimit: "2m" });
      const admin = await connected(postgres.url);
      for (const prefix of prefixes)
        await untilTrue(`slot of ${prefix}`, () =>
          admin.query("SELECT pg_drop_replication_slot($1)", [`tidemark_${prefix}`]).then(
            () => true,
            () => false,
          ),
        );
      await admin.end();
    },
  };
}

async function slotHas(
  condition: string,
  database: pg.Client,
  connector: string,
  values: readonly unknown[] = [],
): Promise<boolean | undefined> {
  const { rows } = await database.query<{ there: boolean }>(
    `SELECT ${condition} AS there FROM pg_replication_slots WHERE slot_name = $1`,
    [`tidemark_${connector}`, ...values],
  );
  return rows[0]?.there;
}

/**
 * Waits for the connector, which confirms a position of the database's log when Kafka has
 * everything before it.
 */
async function waitForReplication(
  { connect }: FlowServices,
  url: string,
  connectors: readonly string[],
): Promise<void> {
  const database = await connected(url);
  const { place } = (
    await database.query<{ place: string }>("SELECT pg_current_wal_insert_lsn()::text AS place")
  ).rows[0]!;
  for (const connector of connectors) {
    await untilTrue(
      `connector ${connector} to publish everything before ${place}`,
      async () => {
        await database.query("UPDATE public.beat SET n = n + 1");
        const status = await connectorStatus({ url: connect.url, name: connector }).catch(
          () => null,
        );
        if (status?.tasks.some(({ state }) => state === "FAILED") === true) {
          console.log(
            `pipeline: the task of ${connector} failed and is restarted: ` +
              `${String(status.tasks[0]!.trace).split("\n")[0]}`,
          );
          await restartConnector({ url: connect.url, name: connector, timeLimit: "2m" });
        }
        return (
          (await slotHas("confirmed_flush_lsn >= $2::pg_lsn", database, connector, [place])) ===
          true
        );
      },
      250,
    );
  }
  await database.end();
}

export async function untilTrue(
  what: string,
  there: () => boolean | Promise<boolean>,
  pause = 50,
): Promise<void> {
  for (const deadline = performance.now() + 240_000; !(await there()); await sleep(pause))
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
}

/** Opens a lake in MinIO. `endpoint` is the address of a proxy in front of it. */
export function lakeIn(
  { minio }: Pick<PipelineAddresses, "minio">,
  prefix: string,
  endpoint: string = minio.endpoint,
): ObjectStore {
  return s3Objects({ bucket: BUCKET, prefix, endpoint, credentials: minio.credentials });
}

/** Small commits, so that faults meet many of them. */
const HISTORY_OPTIONS = { commit: { rows: 150, age: "1s" }, buckets: 3 } as const;

export async function openFlow(checked: CheckedDefinitions, stores: RealStores): Promise<Store> {
  return openStore({ definitions: checked.definitions, ...keepingStores(stores, HISTORY_OPTIONS) });
}

export interface Runner {
  /** The number of changes taken so far, including earlier runs. */
  readonly taken: number;
  readonly source: KafkaChanges;
  /** The errors of ended runs and of stores that a run waited for, with their counts. */
  readonly errors: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/**
 * Runs until it is stopped. A run that ends with a TidemarkError is restarted, as an operator does.
 * Any other error fails `stop`.
 */
export function startRunner(store: Store, options: KafkaChangesOptions): Runner {
  const stop = new AbortController();
  const errors = new Map<string, number>();
  const source = kafkaChanges({
    onWarning: () => undefined,
    unreadable: "keep",
    batchMessages: 40,
    ...options,
  });
  let [taken, before] = [0, 0];
  const met = (code: string): void => {
    errors.set(code, (errors.get(code) ?? 0) + 1);
  };
  const running = {
    signal: stop.signal,
    onProgress: ({ changes }: RunProgress): void => {
      taken = before + changes;
    },
    onBackpressure: ({ error }: { readonly error: { readonly code: string } | null }): void => {
      if (error !== null) met(error.code);
    },
  };
  const work = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      before = taken;
      try {
        await store.run(source, running);
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!isTidemarkError(error)) throw error;
        met(error.code);
        await sleep(500);
      }
    }
  };
  const ended = work();
  ended.catch(() => undefined);
  return {
    source,
    errors,
    get taken() {
      return taken;
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** Brings everything in Kafka into the stores. While a fault lasts, the run is repeated. */
export async function catchUp(store: Store, options: KafkaChangesOptions): Promise<void> {
  let last: unknown;
  await untilTrue(
    "the stores to catch up",
    async () => {
      last = await store
        .run(
          kafkaChanges({
            onWarning: () => undefined,
            unreadable: "keep",
            ...options,
            until: "caught-up",
          }),
        )
        .then(
          () => null,
          (error: unknown) => error,
        );
      if (last !== null && !isTidemarkError(last)) throw last;
      return last === null;
    },
    500,
  ).catch((error: Error) => {
    throw new Error(error.message, { cause: last });
  });
}

/** Reopens the stores, brings them up to the topics, and compares them with the tables. */
export async function checkFlow(
  pipeline: Pick<PipelineAddresses, "kafka">,
  flow: PipelineFlow,
  checked: CheckedDefinitions,
  stores: RealStores,
  seed: number,
  options: Partial<KafkaChangesOptions> = {},
): Promise<CheckResult> {
  await flow.waitForReplication();
  const store = await openFlow(checked, stores);
  const database: pg.Client = await connected(flow.url);
  try {
    await catchUp(store, { brokers: pipeline.kafka.brokers, topics: flow.topics, ...options });
    return await checkPipeline({
      checked,
      database,
      store,
      offline: stores.offline,
      random: new Random(seed),
    });
  } finally {
    await database.end();
    await store.close();
  }
}
