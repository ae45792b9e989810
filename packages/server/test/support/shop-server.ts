/** Starts a server over the shop of core's tests, and returns answers as their text says them. */
import {
  count,
  date as dateOf,
  decimal as decimalOf,
  float64 as doubleOf,
  featureView,
  int64 as longOf,
  latest,
  max,
  source,
  timestamp as timeOf,
  bytes as bytesOf,
  json as jsonOf,
  boolean as flagOf,
  int32 as intOf,
  openStore,
  type StoreOptions,
  pushSource,
  string as textOf,
  entity,
  min,
  sum,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import type { OfflineStore } from "@tidemark/core/spi";
import { featureServer, type FeatureServer, type ServerOptions } from "@tidemark/server";
import {
  ShopLog,
  NOON,
  SECOND,
  date,
  definitions as shopDefinitions,
  user,
} from "../../../core/test/support/shop.ts";

/** A source with a column of every value type. */
export const things = source("things", {
  table: "public.things",
  columns: {
    id: longOf("id"),
    at: timeOf("at"),
    text: textOf("text").nullable(),
    flag: flagOf("flag").nullable(),
    small: intOf("small").nullable(),
    large: longOf("large").nullable(),
    counted: longOf("counted", { mode: "number" }).nullable(),
    real: doubleOf("real").nullable(),
    when: timeOf("when").nullable(),
    exact_when: timeOf("exact_when", { mode: "micros" }).nullable(),
    day: dateOf("day").nullable(),
    raw: bytesOf("raw").nullable(),
    extra: jsonOf("extra").nullable(),
  },
  primaryKey: ["id"],
  eventTime: "at",
});
export const thing = entity("thing", { keys: { id: longOf() } });
const { at: _at, id: _id, ...columns } = { ...things };
export const kinds = featureView("kinds", {
  entity: thing,
  source: things,
  ttl: "30d",
  features: {
    text: latest(columns.text),
    flag: latest(columns.flag),
    small: latest(columns.small),
    large: latest(columns.large),
    counted: latest(columns.counted),
    real: latest(columns.real),
    when: latest(columns.when),
    exact_when: latest(columns.exact_when),
    day: latest(columns.day),
    raw: latest(columns.raw),
    extra: latest(columns.extra),
  },
});
export const sums = featureView("sums", {
  entity: thing,
  source: things,
  features: {
    total_large: sum(things.large).over("7d"),
    least_text: min(things.text).over("7d"),
    last_when: max(things.when).over("7d"),
  },
});
/** A view of a push source. */
export const logins = pushSource("logins", {
  columns: {
    id: longOf(),
    user_id: textOf().nullable(),
    device: textOf().nullable(),
    score: doubleOf().nullable(),
    fee: decimalOf({ precision: 10, scale: 2 }).nullable(),
    extra: jsonOf().nullable(),
    raw: bytesOf().nullable(),
    time: timeOf(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
export const signedIn = featureView("signed_in", {
  entity: user,
  source: logins,
  features: { logins_l1d: count().over("1d"), scores_l1d: sum(logins.score).over("1d") },
});
export const lastLogin = featureView("last_login", {
  entity: user,
  source: logins,
  features: {
    device: latest(logins.device),
    last_fee: latest(logins.fee),
    login_extra: latest(logins.extra),
    login_raw: latest(logins.raw),
  },
});
export const definitions = {
  ...shopDefinitions,
  thing,
  things,
  kinds,
  sums,
  logins,
  signedIn,
  lastLogin,
};

export const LARGEST = 9_223_372_036_854_775_807n;

function filledLog(): ShopLog {
  return new ShopLog()
    .paid({ id: 1, time: NOON - 6 * 86_400 * SECOND, amount: 10, vendor: "Hospital", fee: 125n })
    .paid({ id: 2, time: NOON - 3600 * SECOND, amount: 0.1, fee: 5n })
    .paid({ id: 3, user: "bob", time: NOON - 3 * 3600 * SECOND, amount: null, vendor: null })
    .customer(1, 'Hà Nội "\\ \u2028')
    .add(
      "things",
      "upsert",
      [
        LARGEST,
        NOON - SECOND,
        "a\nb",
        true,
        -7,
        -9_223_372_036_854_775_808n,
        9_007_199_254_740_991n,
        0.1,
        NOON + 1,
        NOON + 1,
        20_000,
        new Uint8Array([0, 255, 1]),
        '{"a": [1, 2.50, null]}',
      ],
      { committed: NOON },
    )
    .add(
      "things",
      "upsert",
      [1n, NOON - SECOND, null, null, null, null, null, null, null, null, null, null, null],
      { committed: NOON },
    );
}

/**
 * Starts the server at noon, with unlimited retention. `offline` is its history; null: it has none.
 */
export async function shopServer(
  options: Partial<ServerOptions> = {},
  offline: OfflineStore | null = memoryOfflineStore(),
  servingLog?: StoreOptions["servingLog"],
  audit?: StoreOptions["audit"],
): Promise<FeatureServer & { readonly store: ServerOptions["store"] }> {
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
    ...(offline === null ? {} : { offline }),
    servingLog,
    audit,
    clock: () => date(NOON),
  });
  await store.run(filledLog().source());
  return { ...(await featureServer({ store, definitions, ...options })), store };
}
