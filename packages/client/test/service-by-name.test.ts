/** A service written as an object: its names in the store, the client, HTTP and Feast's form. */
import {
  count,
  entity,
  featureService,
  featureView,
  int64,
  latest,
  openStore,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { createClient } from "@tidemark/client";
import { featureServer } from "@tidemark/server";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: int64(), user_id: string(), city: string().nullable(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const profile = featureView("profile", {
  entity: user,
  source: logins,
  features: { city: latest(logins.city) },
});
const activity = featureView("activity", {
  entity: user,
  source: logins,
  features: { n: count().over("1d") },
});
const named = featureService("named", { home: profile.city, logins: activity.n });
const definitions = { user, logins, profile, activity, named };

test("the object's names are those of every answer", async () => {
  const now = new Date("2026-01-05T12:00:00Z");
  const store = await openStore({
    definitions,
    online: memoryOnlineStore(),
    offline: memoryOfflineStore(),
    clock: () => now,
  });
  const server = await featureServer({ store, definitions });
  const url = await server.listen({ port: 0 });
  const client = createClient<typeof definitions>({ url });
  const time = new Date("2026-01-05T11:00:00Z");
  await client.push(logins, [{ id: 1n, user_id: "ann", city: "Basel", time }]);
  const entity = { user_id: "ann" };
  const expected = { home: "Basel", logins: 1 };

  expect(await store.getOnlineFeatures({ features: named, entity })).toStrictEqual(expected);
  expect(await client.getOnlineFeatures({ features: named, entity })).toStrictEqual(expected);
  expect(await client.service("named").getOnlineFeatures({ entity })).toStrictEqual(expected);
  const training = await store.getHistoricalFeatures({
    features: named,
    entities: [{ ...entity, event_timestamp: now }],
  });
  expect(await training.rows()).toEqual([{ ...entity, event_timestamp: now, ...expected }]);

  const ask = async (path: string, body: object): Promise<unknown> =>
    (
      await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })
    ).json();
  expect(await ask("/v1/services/named/features", { entities: [entity] })).toMatchObject({
    rows: [expected],
  });
  const feast = { feature_service: "named", entities: { user_id: ["ann"] } };
  const namesOf = async (body: object): Promise<unknown> =>
    (await ask("/get-online-features", body)) as never;
  expect(await namesOf(feast)).toMatchObject({
    metadata: { feature_names: ["user_id", "home", "logins"] },
  });
  expect(await namesOf({ ...feast, full_feature_names: true })).toMatchObject({
    metadata: { feature_names: ["user_id", "profile__home", "activity__logins"] },
  });
  await server.close();
  await store.close();
});
