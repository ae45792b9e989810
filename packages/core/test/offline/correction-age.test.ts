/** Corrections of the history that have waited long are merged, however few they are. */
import { UNMERGED_LAYOUT } from "@tidemark/testkit/generate/small-layout";
import { expect, test } from "vitest";
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  timestamp,
} from "../../src/index.ts";
import { DEFAULT_LAYOUT_LIMITS } from "../../src/offline/merge-plan.ts";
import { layoutOf, type VersionsLayout } from "../../src/offline/versions-layout.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { NOON, ShopLog } from "../support/shop.ts";

const DAY = 86_400_000_000;
const payments = source("payments", {
  table: "public.payments",
  primaryKey: ["id"],
  eventTime: "at",
  columns: { id: int64(), user_id: string(), at: timestamp() },
});
const definitions = {
  weekly: featureView("weekly", {
    entity: entity("user", { keys: { user_id: string() } }),
    source: payments,
    features: { n: count().over("7d") },
  }),
};

test("a week after the oldest correction, the next compaction merges all of them", async () => {
  const offline = memoryOfflineStore();
  let now = NOON;
  const store = await openStore({
    definitions,
    offline: { store: offline, layoutLimits: { ...UNMERGED_LAYOUT, correctionAge: 7 * DAY } },
    clock: () => new Date(now / 1000),
  });
  const log = new ShopLog();
  const upsert = (id: number, hour: number): void => {
    const values = [BigInt(id), "ann", NOON - hour * 3_600e6];
    log.add("payments", "upsert", values, { committed: now });
  };
  const after = async (days: number, change: () => void): Promise<VersionsLayout> => {
    now = NOON + days * DAY;
    change();
    await store.run(log.source());
    return layoutOf((await offline.state("payments/versions"))!)!;
  };
  expect(
    await after(0, () => {
      for (let id = 0; id < 30; id++) upsert(id, id);
    }),
  ).toMatchObject({ corrections: [], waitingSince: null });
  const first = await after(1, () => {
    upsert(3, 3.5);
  });
  expect(first.corrections).toHaveLength(1);
  expect(first.waitingSince).toBe(NOON + DAY);
  const second = await after(7, () => {
    upsert(5, 5.5);
  });
  expect(second.corrections).toHaveLength(2);
  expect(second.waitingSince).toBe(NOON + DAY);
  // no change came, and the run compacts when it ends
  expect(await after(8, () => undefined)).toMatchObject({ corrections: [], waitingSince: null });
  expect(DEFAULT_LAYOUT_LIMITS.correctionAge).toBe(7 * DAY);
});

test("a table of a Tidemark without the age counts it from its next compaction on", () => {
  const text = JSON.stringify({
    format: 2,
    buckets: [],
    corrections: [{ id: -1, rows: 1 }],
    unmerged: 1,
    nextId: 1,
  });
  const state = { metadata: new Map([["layout", text]]) } as never;
  expect(layoutOf(state)).toMatchObject({ waitingSince: null });
});
