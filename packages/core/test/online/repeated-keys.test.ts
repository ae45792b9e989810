/** Equal keys of a request are read and computed once, and a computation ends with its signal. */
import { openStore } from "@tidemark/core";
import type { OnlineStore } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { NOON, SECOND, ShopLog, date, definitions, everything } from "../support/shop.ts";

/** Opens a store that counts the cells that are read. */
async function openCounted() {
  const { readIfChanged: _read, changeCounter: _counter, ...online } = memoryOnlineStore();
  const counts = { cells: 0 };
  const counting: OnlineStore = {
    ...online,
    async read(keys) {
      counts.cells += keys.length;
      return online.read(keys);
    },
  };
  const store = await openStore({
    definitions,
    online: { store: counting, retention: "forever", answerCache: { maxBytes: 0 } },
    clock: () => date(NOON),
  });
  const log = new ShopLog();
  for (let id = 0; id < 2000; id++)
    log.paid({ id, user: id % 4 === 0 ? "bob" : "ann", time: NOON - (id + 1) * SECOND });
  await store.run(log.customer(1, "Huế").source());
  return { store, counts };
}

test("a hot entity that is requested 2,000 times is read once, and row i is right", async () => {
  const { store, counts } = await openCounted();
  const users = ["ann", "bob", "nobody"];
  const rowsOf = async (asked: readonly string[]) =>
    store.getOnlineFeatures({
      features: everything,
      entities: asked.map((user_id) => ({ user_id })),
    });
  const single = new Map<string, unknown>();
  for (const one of users) single.set(one, (await rowsOf([one]))[0]);
  const asked = Array.from({ length: 2000 }, (_, i) => users[(i * i) % 3]!);
  counts.cells = 0;
  const rows = await rowsOf(asked);
  expect(rows).toEqual(asked.map((one) => single.get(one)));
  // the log tails of two entities in each view, their segments, and the states of the sources
  expect(counts.cells).toBeLessThan(60);
});

test("a computation ends with the reason of its signal while it computes", async () => {
  const { store } = await openCounted();
  const ending = new AbortController();
  const reason = new Error("the caller is gone");
  const reading = store.getOnlineFeatures({
    features: everything,
    entities: Array.from({ length: 200_000 }, (_, i) => ({ user_id: `u${i}` })),
    signal: ending.signal,
  });
  let turns = 0;
  const abort = (): void => {
    if (++turns < 3) setImmediate(abort);
    else ending.abort(reason);
  };
  setImmediate(abort);
  await expect(reading).rejects.toBe(reason);
});
