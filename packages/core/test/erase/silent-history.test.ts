/**
 * A run begins with an empty online store. The history, which alone knows what was erased, does not
 * answer. Nothing that was erased is answered meanwhile.
 */
import { openStore } from "@tidemark/core";
import { memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  date,
  definitions,
  HOUR,
  NOON,
  openShop,
  rejectionOf,
  ShopLog,
  weekly,
} from "../support/shop.ts";
import { faultyOffline } from "../support/faulty-stores.ts";

test("a source is ready only when the history has said what was erased", async () => {
  const shop = await openShop();
  const log = new ShopLog()
    .paid({ id: 1, user: "ann", time: NOON - HOUR })
    .paid({ id: 2, user: "bob", time: NOON - HOUR });
  await shop.store.run(log.source());
  await shop.store.erase({ entity: "user", key: { user_id: "ann" } });

  const online = memoryOnlineStore(memoryOnlineData());
  let isAway = true;
  const store = await openStore({
    definitions,
    online: { store: online, retention: "forever" },
    offline: { store: faultyOffline(shop.offline, () => (isAway ? "before" : "none")) },
    clock: () => date(NOON),
  });
  const ask = () =>
    store.getOnlineFeatures({
      features: weekly,
      entities: ["ann", "bob"].map((user_id) => ({ user_id })),
    });
  const running = store.run(log.source(), { onBackpressure: () => undefined });
  await expect
    .poll(async () => (await online.positions("payments")).length, { timeout: 20_000 })
    .toBe(1);
  await sleep(200);
  expect((await rejectionOf(ask())).code).toBe("NOT_READY");
  isAway = false;
  await running;
  const answers = await ask();
  expect(answers.map((row) => Object.values(row)[0])).toEqual([0, 1]);
}, 60_000);
