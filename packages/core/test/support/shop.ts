/** Definitions of a shop and hand-made logs of its payments, for tests of the store. */
import {
  avg,
  commitTime,
  count,
  countDistinct,
  decimal,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  max,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
  type OfflineOptions,
  type StoreOptions,
} from "@tidemark/core";
import type {
  Change,
  ChangeBatch,
  ChangeSource,
  OfflineStore,
  OnlineStore,
  Position,
  Value,
} from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";

export const user = entity("user", { keys: { user_id: string() } });
export const shop = entity("shop", { keys: { shop_id: int64() } });

export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    shop_id: int64("shop").nullable(),
    vendor: string("Vendor").nullable(),
    amount: float64("Amount").nullable(),
    fee: decimal("fee", { precision: 10, scale: 2 }).nullable(),
    time: timestamp("Time", { zone: "UTC" }).nullable(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    payments_l1w: count().over("7d"),
    spent: sum(payments.amount).overEach("1h", "7d"),
    mean_l1w: avg(payments.amount).over("7d"),
    vendors_l1w: countDistinct(payments.vendor).over("7d"),
    fees_l1w: sum(payments.fee).over("7d"),
  },
});
export const hospital = featureView("hospital", {
  entity: user,
  source: payments,
  features: { hospital_l1d: count().where(eq(payments.vendor, "Hospital")).over("1d") },
});
export const shops = featureView("shops", {
  entity: shop,
  source: payments,
  features: { sales_l1d: count().over("1d"), largest_l1d: max(payments.amount).over("1d") },
});
export const last = featureView("last", {
  entity: user,
  source: payments,
  ttl: "2d",
  features: { last_vendor: latest(payments.vendor), last_amount: latest(payments.amount) },
});

export const customers = source("customers", {
  table: "public.customers",
  columns: {
    id: int64("id"),
    user_id: string("user"),
    city: string("city").nullable(),
    since: timestamp("since").nullable(),
  },
  primaryKey: ["id"],
  eventTime: commitTime({ since: "since" }),
});
export const profile = featureView("profile", {
  entity: user,
  source: customers,
  features: { city: latest(customers.city) },
});

export const everything = featureService("everything", [weekly, hospital, last, profile]);
export const definitions = {
  user,
  shop,
  payments,
  weekly,
  hospital,
  shops,
  last,
  customers,
  profile,
  everything,
};

export const SECOND = 1e6;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;
/** Noon of a Monday, µs. Every time in the tests is counted from here. */
export const NOON = Date.UTC(2026, 0, 5, 12) * 1000;
export const iso = (time: number): string =>
  new Date(time / 1000).toISOString().replace("Z", `${String(time % 1000).padStart(3, "0")}Z`);
export const date = (time: number): Date => new Date(time / 1000);

export interface ChangeOptions {
  readonly lsn?: bigint | null;
  readonly committed?: number;
  readonly partition?: number;
  readonly offset?: number;
  readonly change?: Partial<Change>;
}

export interface Payment {
  readonly id: number;
  readonly user?: string | null;
  readonly shop?: number | null;
  readonly vendor?: string | null;
  readonly amount?: number | null;
  readonly fee?: bigint | null;
  readonly time?: number | null;
}

/**
 * Builds a log. Offsets rise within each partition, and orders with every change.
 * A change is committed a second after its event, unless said otherwise.
 */
export class ShopLog {
  readonly changes: Change[] = [];
  private lsn = 100n;
  private clock = NOON;
  private readonly offsets = new Map<string, number>();

  paid(payment: Payment, place: ChangeOptions = {}): this {
    const {
      id,
      user: who = "ann",
      shop: where = 1,
      vendor = "Sport",
      amount = 1,
      fee = null,
      time = this.clock,
    } = payment;
    return this.add(
      "payments",
      "upsert",
      [BigInt(id), who, where === null ? null : BigInt(where), vendor, amount, fee, time],
      { committed: time === null ? this.clock : time + SECOND, ...place },
    );
  }

  deletePayment(id: number, place: ChangeOptions = {}): this {
    return this.add("payments", "delete", [BigInt(id), null, null, null, null, null, null], place);
  }

  customer(id: number, city: string | null, place: ChangeOptions = {}): this {
    return this.add(
      "customers",
      "upsert",
      [BigInt(id), `${id}` === "1" ? "ann" : "bob", city, null],
      place,
    );
  }

  truncatePayments(place: ChangeOptions = {}): this {
    return this.add("payments", "truncate", null, place);
  }

  add(
    name: string,
    kind: Change["kind"],
    values: readonly Value[] | null,
    place: ChangeOptions,
  ): this {
    const topic = `t.public.${name}`;
    const { partition = 0 } = place;
    this.lsn += 1n;
    if (place.committed !== undefined) this.clock = place.committed;
    const offset = place.offset ?? (this.offsets.get(`${topic}:${partition}`) ?? -1) + 1;
    this.offsets.set(`${topic}:${partition}`, offset);
    this.changes.push({
      source: name,
      topic,
      partition,
      offset,
      kind,
      values,
      oldKey: null,
      unavailable: [],
      invalidColumns: [],
      undecodable: null,
      nonFinite: 0,
      order: place.lsn === undefined ? this.lsn : place.lsn,
      committed: this.clock,
      snapshot: false,
      op: null,
      timestamp: null,
      transaction: null,
      ...place.change,
    });
    return this;
  }

  /** A change source of the log: it starts after the given positions, in batches of that size. */
  source(
    options: {
      readonly batch?: number;
      readonly acknowledged?: Position[];
      readonly upTo?: number;
    } = {},
  ): ChangeSource {
    const { batch = 1000, acknowledged, upTo = this.changes.length } = options;
    const all = this.changes.slice(0, upTo);
    return {
      name: "hand-made log",
      async *changes({ after, signal }): AsyncIterable<ChangeBatch> {
        const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
        const left = all.filter(
          (change) => change.offset > (reached.get(`${change.topic}:${change.partition}`) ?? -1),
        );
        for (let i = 0; i < left.length; i += batch) {
          signal?.throwIfAborted();
          const changes = left.slice(i, i + batch);
          const moved = new Map(
            changes.map((change) => [`${change.topic}:${change.partition}`, change.offset]),
          );
          yield {
            changes,
            positions: [...moved].map(([partition, offset]) => ({ partition, offset })),
          };
        }
      },
      async ack(positions) {
        acknowledged?.push(...positions);
      },
      size: async () => all.length,
    };
  }
}

export interface ShopStores {
  readonly store: Store;
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
  /** Current time, µs. Tests move it. */
  now: number;
  /** Opens the same stores with other options. */
  reopened(options?: ShopOptions): Promise<Store>;
}

export interface ShopOptions extends Partial<StoreOptions> {
  /** How the history of the shop is written. */
  readonly history?: Omit<OfflineOptions, "store">;
}

/** Opens a store over memory stores. It keeps everything unless `options` say otherwise. */
export async function openShop({
  history: ownHistory,
  ...options
}: ShopOptions = {}): Promise<ShopStores> {
  const [onlineData, offlineData] = [memoryOnlineData(), memoryOfflineData()];
  const open = async ({
    history = ownHistory,
    ...more
  }: ShopOptions): Promise<Pick<ShopStores, "store" | "online" | "offline">> => {
    const [online, offline] = [memoryOnlineStore(onlineData), memoryOfflineStore(offlineData)];
    return {
      store: await openStore({
        definitions,
        online: { store: online, retention: "forever" },
        offline: { store: offline, ...history },
        clock: () => date(made.now),
        ...options,
        ...more,
      }),
      online,
      offline,
    };
  };
  const made = {
    now: NOON,
    reopened: async (more: ShopOptions = {}) => (await open(more)).store,
  } as ShopStores;
  return Object.assign(made, await open({}));
}

/** The code and the message of the error that a promise rejects with. */
export async function rejectionOf(
  promise: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string }> {
  const error: unknown = await promise.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  const { code, message } = error as { code?: string; message: string };
  return { code: code ?? "none", message };
}
