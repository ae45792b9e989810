/** Opens stores of orders, waits until they are level, and compares their answers with SQL. */
import { type Answer, openStore, type Store } from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { type OrderLoad, STILL_USER, USERS } from "./order-load.ts";
import { WINDOW_DAYS, type OrderVersion } from "./order-versions.ts";
import { type PipelineFlow, type Runner, untilTrue } from "./pipeline-run.ts";
import { keepingStores, realStores } from "./real-stores.ts";
import { featuresBySql, type RowsOf } from "./table-history.ts";

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Opens the stores in the folder with these definitions, as another process would. */
export function openOrders(folder: string, { definitions }: OrderVersion): Promise<Store> {
  return openStore({
    definitions,
    ...keepingStores(realStores(folder), { commit: { rows: 200, age: "1s" }, buckets: 2 }),
    onDefinitionMismatch: "ignore",
  });
}

/** Pauses the load, and waits until the run has taken all of it into both stores. */
export async function untilLevel(
  { flow, load }: { readonly flow: PipelineFlow; readonly load: OrderLoad },
  store: Store,
  runner: Runner,
): Promise<void> {
  await load.pause();
  await flow.waitForReplication();
  const text = (positions: readonly (readonly [partition: string, offset: number])[]): string =>
    positions
      .map(([partition, offset]) => `${partition} ${offset}`)
      .toSorted()
      .join();
  const offsets = (positions: readonly Position[] = []): string =>
    text(positions.map(({ partition, offset }) => [partition, offset]));
  let last = "";
  const level = untilTrue("the run to be level", async () => {
    const [status] = await store.status();
    const ends = runner.source
      .lag()
      .filter(({ highWatermark }) => highWatermark > 0)
      .map(({ partition, highWatermark }) => [partition, highWatermark - 1] as const);
    const [online, history] = [status!.online, status!.history].map((one) =>
      offsets(one?.positions),
    );
    last = `log ${text(ends)}, online ${online}, history ${history}`;
    return ends.length > 0 && online === text(ends) && history === online;
  });
  await level.catch((error: unknown) => {
    throw new Error(`${last}; errors of the run: ${[...runner.errors].join()}`, { cause: error });
  });
}

/** How the answers of a store compare with those of SQL. */
export interface OrderComparison {
  /** Empty if every answer is that of SQL. */
  readonly differences: readonly string[];
  /** The features that the online store refused with `NEEDS_BACKFILL`. */
  readonly refused: readonly string[];
}

/** Compares the answers of the store with those of SQL, for every user, feature and path. */
export async function compareOrders(
  database: pg.Client,
  store: Store,
  { view, sql }: OrderVersion,
  from: RowsOf = "log",
): Promise<OrderComparison> {
  const asOf = new Date(Date.now() + 1000);
  const expected = await featuresBySql(database, sql, { from, asOf, days: WINDOW_DAYS });
  const users = [...USERS, STILL_USER];
  const entities = users.map((user_id) => ({ user_id }));
  const ask = { features: view, entities, asOf, metadata: true, onMissing: "null" } as const;
  let { rows: online } = await store.getOnlineFeatures(ask);
  // A run says that a store is ready a moment after the store is level.
  await untilTrue("the online store to be ready", async () => {
    ({ rows: online } = await store.getOnlineFeatures(ask));
    return Object.values(online[0]!).every(
      (one) => (one as Answer<unknown>).status !== "NOT_READY",
    );
  });
  const history: Rows = await (
    await store.getHistoricalFeatures({
      features: view,
      entities: entities.map((one) => ({ ...one, event_timestamp: asOf })),
    })
  ).rows();
  const differences: string[] = [];
  const refused = new Set<string>();
  users.forEach((name, i) => {
    for (const feature of Object.keys(sql)) {
      const wanted = String(expected.get(name)?.[feature]);
      const compare = (path: string, answer: unknown): void => {
        if (String(answer) !== wanted)
          differences.push(
            `${path}, ${name}, ${feature}: SQL says ${wanted}, the store ${String(answer)}`,
          );
      };
      const { status, value } = online[i]![feature] as Answer<unknown>;
      if (status === "NEEDS_BACKFILL") refused.add(feature);
      else compare("online", value);
      compare("history", history[i]![feature]);
    }
  });
  return { differences, refused: [...refused] };
}

/** What a store answered for a user whose rows do not change. */
export interface Watch {
  /** The number of answers so far. */
  readonly answers: number;
  /** Stops; throws if one feature had two different answers. */
  stop(): Promise<{ readonly refused: ReadonlySet<string> }>;
}

/** Asks the store without pause for the user whose rows do not change. */
export function watchOrders(store: Store, { view, sql }: OrderVersion): Watch {
  const asOf = new Date();
  const seen = new Map<string, unknown>();
  const refused = new Set<string>();
  let [answers, stopped] = [0, false];
  const work = async (): Promise<void> => {
    while (!stopped) {
      const { row } = await store.getOnlineFeatures({
        features: view,
        entity: { user_id: STILL_USER },
        asOf,
        metadata: true,
        onMissing: "null",
      });
      for (const feature of Object.keys(sql)) {
        const { status, value } = row[feature] as Answer<unknown>;
        if (status === "NEEDS_BACKFILL" || status === "NOT_READY") refused.add(feature);
        else if (!seen.has(feature)) seen.set(feature, value);
        else if (seen.get(feature) !== value)
          throw new Error(`${feature} was ${String(seen.get(feature))}, then ${String(value)}`);
      }
      answers++;
      await sleep(5);
    }
  };
  const ended = work();
  ended.catch(() => undefined);
  return {
    get answers() {
      return answers;
    },
    async stop() {
      stopped = true;
      await ended;
      return { refused };
    },
  };
}
