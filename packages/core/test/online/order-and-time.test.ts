/** Aggregations in the order of rows and with their times, through the public API. */
import {
  count,
  decayedCount,
  entity,
  featureView,
  first,
  int64,
  last,
  openStore,
  pushSource,
  sessionCount,
  string,
  timeSinceLast,
  timestamp,
  type PushRow,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { date, HOUR, iso, NOON, rejectionOf, SECOND } from "../support/shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const columns = {
  id: int64(),
  user_id: string(),
  time: timestamp(),
  noted: timestamp().nullable(),
  place: string(),
};
const rest = { columns, primaryKey: ["id"], eventTime: "time" } as const;
const unordered = pushSource("visits", rest);
const visits = pushSource("visits", { ...rest, createdAt: "noted" });
const counts = featureView("counts", {
  entity: user,
  source: unordered,
  features: { visits_1d: count().over("1d") },
});
const ends = featureView("ends", {
  entity: user,
  source: visits,
  features: {
    visits: count().over("1d"),
    first_place: first(visits.place).over("1d"),
    last_place: last(visits.place).over("1d"),
    last_id: last(visits.id).over("1d"),
    idle: timeSinceLast("minutes").over("1d"),
    sessions: sessionCount("30m").over("1d"),
  },
});
const decay = featureView("decay", {
  entity: user,
  source: visits,
  features: { lately: decayedCount({ halfLife: "1h" }).over("1d") },
});

/** A visit two hours ago, noted so many seconds ago. */
const visit = (id: number, place: string, noted: number | null): PushRow<typeof columns> => ({
  id,
  user_id: "ann",
  place,
  noted: noted === null ? null : date(NOON - noted * SECOND),
  time: date(NOON - 2 * HOUR),
});
const ann = [{ user_id: "ann" }] as const;

test("rows of one time go by createdAt, then by primary key, on every path", async () => {
  for (const [expected, rows] of [
    [
      ["c", "a"],
      [visit(1, "a", 1), visit(2, "b", 5), visit(3, "c", null)],
    ],
    [
      ["a", "b"],
      [visit(2, "b", 5), visit(1, "a", 5)],
    ],
  ] as const)
    for (const order of [rows, rows.toReversed()]) {
      const store = await openStore({
        definitions: { ends },
        online: { store: memoryOnlineStore(), retention: "forever" },
        offline: memoryOfflineStore(),
        clock: () => date(NOON),
      });
      for (const row of order) await store.push(visits, [row]);
      const features = [ends.first_place, ends.last_place] as const;
      const [online] = await store.getOnlineFeatures({ features, entities: ann });
      expect(online).toEqual({ first_place: expected[0], last_place: expected[1] });
      for (const knowledge of ["as-corrected", "as-known"] as const) {
        const [row] = await (
          await store.getHistoricalFeatures({
            features,
            entities: [{ user_id: "ann", event_timestamp: iso(NOON + 1e6) }],
            knowledge,
          })
        ).rows();
        expect(row).toMatchObject({ first_place: expected[0], last_place: expected[1] });
      }
      await store.close();
    }
});

test("answers that move with the clock are computed anew without a write", async () => {
  let now = NOON;
  const store = await openStore({
    definitions: { ends, decay },
    online: memoryOnlineStore(),
    clock: () => date(now),
  });
  await store.push(visits, [visit(1, "a", null)]);
  const asked = async (): Promise<unknown> =>
    (
      await store.getOnlineFeatures({
        features: [ends.idle, ends.sessions, decay.lately],
        entities: ann,
      })
    )[0];
  expect(await asked()).toEqual({ idle: 120, sessions: 1, lately: 0.25 });
  expect(await asked()).toEqual({ idle: 120, sessions: 1, lately: 0.25 });
  now += HOUR;
  expect(await asked()).toEqual({ idle: 180, sessions: 1, lately: 0.125 });
  await store.close();
});

test("an order by a column that is not stored needs a backfill, and others do not", async () => {
  const data = memoryOnlineData();
  const open = (definitions: { readonly [name: string]: unknown }): Promise<Store> =>
    openStore({ definitions, online: memoryOnlineStore(data), clock: () => date(NOON) });
  const before = await open({ counts });
  await before.push(unordered, [visit(1, "a", null)]);
  await before.close();

  const store = await open({ ends });
  const { code, message } = await rejectionOf(
    store.getOnlineFeatures({ features: [ends.visits, ends.last_id], entities: ann }),
  );
  expect(code).toBe("NEEDS_BACKFILL");
  expect(message).toContain("ends.last_id needs the column noted");
  expect(message).not.toContain("ends.visits");
  const features = [ends.visits, ends.idle, ends.sessions] as const;
  expect((await store.getOnlineFeatures({ features, entities: ann }))[0]).toEqual({
    visits: 1,
    idle: 120,
    sessions: 1,
  });
  await store.close();
});
