import {
  asOf,
  count,
  elapsed,
  entity,
  featureView,
  gt,
  last,
  openStore,
  pushSource,
  string,
  sum,
  timestamp,
  float64,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const visits = pushSource("visits", {
  columns: { id: string(), user_id: string(), amount: float64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const activity = featureView("activity", {
  entity: user,
  source: visits,
  features: { idle_hours: elapsed("hours", last(visits.time).over("90d"), asOf()) },
});

test("asOf() moves with the clock online, and is the time of each row in training", async () => {
  let now = "2026-03-01T12:00:00Z";
  const store = await openStore({
    definitions: { activity },
    online: { store: memoryOnlineStore() },
    offline: memoryOfflineStore(),
    clock: () => new Date(now),
  });
  await store.push(visits, [{ id: "1", user_id: "ann", amount: 1, time: "2026-03-01T10:00:00Z" }]);
  const idle = async (): Promise<number | null> => {
    const entities = [{ user_id: "ann" }];
    const [answer] = await store.getOnlineFeatures({ features: activity, entities });
    return answer!.idle_hours;
  };
  expect(await idle()).toBe(2);
  now = "2026-03-01T13:30:00Z";
  expect(await idle()).toBe(3.5);
  const rows = await store.getHistoricalFeatures({
    features: activity,
    entities: ["2026-03-01T11:00:00Z", "2026-03-01T10:30:00Z", "2026-03-01T10:00:00Z"].map(
      (event_timestamp) => ({ user_id: "ann", event_timestamp }),
    ),
    knowledge: "as-corrected",
  });
  const found: (number | null)[] = [];
  for await (const row of rows) found.push(row.idle_hours);
  expect(found).toEqual([1, 0.5, null]);
  await store.close();
});

test("rows do not know the time of the answer", () => {
  const refusals: readonly (() => unknown)[] = [
    () => elapsed("hours", visits.time, asOf() as never),
    () => sum(elapsed("hours", asOf(), asOf()) as never),
    () => count(asOf() as never),
    () => count().where(gt(asOf(), "2026-01-01T00:00:00Z") as never),
  ];
  for (const refused of refusals)
    expect(refused).toThrow("reads the time of the answer, which no row knows");
  const features = { now: asOf() };
  expect(() => featureView("v", { entity: user, source: visits, features })).toThrow(
    "reads the time of the answer and no window",
  );
});
