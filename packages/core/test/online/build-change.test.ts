/**
 * Tests that no answer mixes two builds of a source: cached answers, prepared plans and reads that
 * are on their way belong to the build that the state names.
 */
import { expect, test } from "vitest";
import { openStore } from "../../src/index.ts";
import { specOfSource } from "../../src/define/spec-of.ts";
import {
  encodeSourceState,
  layoutFor,
  readSourceState,
  sourceStateKey,
} from "../../src/online/source-state.ts";
import { memoryOnlineData, memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { HOUR, NOON, ShopLog, date, payments, weekly } from "../support/shop.ts";

type Data = ReturnType<typeof memoryOnlineData>;

const USERS = ["ann", "bob", "carl", "dora", "eve"];
const entities = USERS.map((user_id) => ({ user_id }));

/** A store that reports unchanged cells and its change counter, as SQLite does. */
function reporting(data: Data) {
  const store = memoryOnlineStore(data);
  const reporting = {
    ...store,
    /** Runs before the next read of changed cells, as another process would. */
    before: null as (() => Promise<void>) | null,
    async readIfChanged(keys: readonly Uint8Array[], known: readonly (number | null)[]) {
      const { before } = reporting;
      reporting.before = null;
      await before?.();
      return (await store.read(keys)).map((cell, i) =>
        cell !== null && cell.version === known[i] ? ("same" as const) : cell,
      );
    },
    changeCounter: () => data.version,
  };
  return reporting;
}

/** Serves another build of the payments, which has no rows yet. */
async function serveBuild(data: Data, build: number): Promise<void> {
  const online = memoryOnlineStore(data);
  await online.open({ namespace: "default" });
  const state = await readSourceState(online, "default", layoutFor(specOfSource(payments), []));
  const written = await online.write({
    source: "payments",
    cells: [
      {
        key: sourceStateKey("default", "payments"),
        value: encodeSourceState({ ...state, build }),
        expected: state.version,
        expires: null,
      },
    ],
    positions: [],
  });
  expect(written).toBe("done");
}

async function filled(answerCache: { readonly maxBytes?: number } = {}) {
  const data = memoryOnlineData();
  const online = reporting(data);
  const store = await openStore({
    definitions: { weekly },
    online: { store: online, retention: "forever", answerCache },
    clock: () => date(NOON),
  });
  const log = new ShopLog();
  USERS.forEach((name, id) => log.paid({ id, user: name, time: NOON - HOUR }));
  await store.run(log.source());
  const one = async (): Promise<number> =>
    (await store.getOnlineFeatures({ features: weekly, entity: entities[0]! })).payments_l1w;
  const all = async (): Promise<readonly number[]> =>
    (await store.getOnlineFeatures({ features: weekly, entities })).map((row) => row.payments_l1w);
  return { data, online, one, all };
}

const each = (value: number): readonly number[] => USERS.map(() => value);

test("answers that were cached under one build are not those of another", async () => {
  const { data, one, all } = await filled();
  for (let asked = 0; asked < 3; asked++)
    expect([await one(), ...(await all())]).toEqual([1, ...each(1)]);
  await serveBuild(data, 1);
  for (let asked = 0; asked < 3; asked++)
    expect([await one(), ...(await all())]).toEqual([0, ...each(0)]);
  // the first build is still there, and is answered from its own cells
  await serveBuild(data, 0);
  expect([await one(), ...(await all())]).toEqual([1, ...each(1)]);
});

test("a build that changes between the state and the rows of a request", async () => {
  // a cached answer would not be read
  const { data, online, one, all } = await filled({ maxBytes: 0 });
  for (const ask of [all, async () => [await one()]]) {
    for (const [build, expected] of [
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ] as const) {
      online.before = () => serveBuild(data, build);
      expect([...new Set(await ask())]).toEqual([expected]);
      expect(online.before).toBe(null);
    }
  }
});
