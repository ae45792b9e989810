/** Personal values are masked in what operators read, without the scope personal. */
import {
  entity,
  featureView,
  holds,
  isNull,
  latest,
  openStore,
  quality,
  source,
  string,
  timestamp,
  type LoggedChange,
  type ProfileReport,
  type StoreStorage,
  type Timeline,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { afterEach, expect, test } from "vitest";
import { date, NOON, SECOND, ShopLog } from "../../../../core/test/support/shop.ts";
import { ask, OPERATE, PERSONAL, tokens } from "../../support/ask-server.ts";

const phones = source("phones", {
  table: "public.phones",
  columns: {
    phone: string("phone").describe({ sensitivity: "pii" }),
    name: string("name").describe({ sensitivity: "pii" }).nullable(),
    plan: string("plan").nullable(),
    since: timestamp("since", { zone: "UTC" }).nullable(),
  },
  primaryKey: ["phone"],
  eventTime: "since",
});
const subscribers = featureView("subscribers", {
  entity: entity("subscriber", { keys: { phone: string() } }),
  source: phones,
  features: { name: latest(phones.name), plan: latest(phones.plan) },
});
const named = quality("named", { on: phones, expect: { no_plan: holds(isNull(phones.plan)) } });
const unnamed = quality("unnamed", {
  on: subscribers,
  expect: { no_plan: holds(isNull(subscribers.plan)) },
});
const definitions = { phones, subscribers, named, unnamed };

let server: FeatureServer | null = null;
afterEach(() => server?.close());

const PHONE = "079 000 00 00";
const asSeen = { [OPERATE]: "***", [PERSONAL]: PHONE } as const;

/** A server whose online store lacks the row of the history, and has answered without it. */
async function started(more?: (log: ShopLog) => void): Promise<FeatureServer> {
  const offline = memoryOfflineStore();
  const clock = (): Date => date(NOON);
  const log = new ShopLog()
    .add("phones", "upsert", [PHONE, "Ann", "flat", NOON - 60 * SECOND], {
      committed: NOON - 60 * SECOND,
    })
    .add("phones", "upsert", ["079 999 99 99", "Bob", null, null], {
      committed: NOON - 50 * SECOND,
    });
  more?.(log);
  const online = memoryOnlineStore();
  const store = await openStore({
    definitions,
    online: { store: online, serveWhileFilling: true },
    offline,
    servingLog: {},
    clock,
  });
  await store.getOnlineFeatures({ features: subscribers, entity: { phone: PHONE } });
  await store.run(log.source(), { mismatch: "ignore" });
  return featureServer({ store, definitions, tokens });
}

test("keys and values of examples, keys in the quarantine, and values in profiles", async () => {
  server = await started();
  for (const token of [OPERATE, PERSONAL] as const) {
    const seen = asSeen[token];
    const isShown = token === PERSONAL;

    const quarantine = await ask(server, "/v1/quarantine/phones", { token });
    expect(quarantine.body).toMatchObject({
      count: 1,
      rows: [{ key: { phone: isShown ? "079 999 99 99" : "***" }, column: "since" }],
    });

    const { body: held } = await ask<StoreStorage>(server, "/v1/tables", { token });
    expect(held.online!.entityLogs).toMatchObject([
      { source: "phones", entities: 1, rows: 1, largest: [{ key: { phone: seen } }] },
    ]);

    const changed = await ask<{ changes: readonly LoggedChange[] }>(server, "/v1/changes/phones", {
      token,
    });
    expect(
      changed.body.changes.map(({ row, message }) => [row!["phone"], row!["plan"], message]),
    ).toEqual([
      [isShown ? "079 999 99 99" : "***", null, isShown ? expect.stringContaining("Bob") : "***"],
      [seen, "flat", isShown ? expect.stringContaining(PHONE) : "***"],
    ]);

    const checked = await ask(server, "/v1/quality", { token, payload: {} });
    expect(checked.body).toMatchObject({
      failed: { error: 2, warning: 0 },
      results: [{ examples: [{ phone: seen }] }, { examples: [{ phone: seen }] }],
    });

    const skew = await ask<{ examples: object[] }>(server, "/v1/skew", {
      token,
      payload: { from: "2026-01-05T00:00:00Z" },
    });
    expect(skew.body.examples).toMatchObject([
      {
        feature: "subscribers:name",
        entity: { phone: seen },
        logged: { value: "null" },
        recomputed: { value: isShown ? '"Ann"' : "***" },
        explain: expect.stringContaining(`'phone=${seen}'`) as string,
      },
      { feature: "subscribers:plan", entity: { phone: seen }, recomputed: { value: '"flat"' } },
    ]);

    const timeline = await ask<Timeline>(server, "/v1/timeline", {
      token,
      payload: { features: "subscribers", entity: { phone: PHONE }, from: "2026-01-05T00:00:00Z" },
    });
    const values = timeline.body.features.map(({ points }) => points.map(({ value }) => value));
    expect(values).toEqual([
      [null, isShown ? "Ann" : "***"],
      [null, "flat"],
    ]);

    // a profile hides personal values from everybody
    const profile = await ask<ProfileReport>(server, "/v1/profile", {
      token,
      payload: { source: "phones" },
    });
    expect(profile.body.all.columns.map(({ column, min }) => [column, min])).toEqual([
      ["phone", null],
      ["name", null],
      ["plan", "flat"],
      ["since", "2026-01-05T11:59:00.000000Z"],
    ]);
    expect(JSON.stringify(profile.body)).not.toContain(PHONE);
  }
});

test("the bytes of messages that could not be decoded", async () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  server = await started((log) =>
    log.add("phones", "upsert", [PHONE, null, null, null], {
      committed: NOON - 40 * SECOND,
      change: {
        undecodable: { reason: "NOT_JSON", message: "no JSON" },
        original: { key: null, value: bytes(`{ phone: ${PHONE}`), headers: {} },
      },
    }),
  );
  for (const token of [OPERATE, PERSONAL] as const) {
    const text = token === PERSONAL ? `{ phone: ${PHONE}` : "***";
    const original = { key: null, value: { text, encoding: "utf-8", size: 22 } };
    const changed = await ask<{ changes: readonly LoggedChange[] }>(server, "/v1/changes/phones", {
      token,
    });
    expect(changed.body.changes[0]).toMatchObject({ undecodable: "NOT_JSON", original });
    const { body } = await ask<{ rows: object[] }>(server, "/v1/quarantine/phones", { token });
    expect(body.rows).toContainEqual(expect.objectContaining({ reason: "NOT_JSON", original }));
  }
});
