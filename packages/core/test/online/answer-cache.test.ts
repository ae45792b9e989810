/** Compares the answer cache with a reader that computes every answer. */
import { expect, test } from "vitest";
import type { ResultColumns, OnlineStore } from "../../src/spi.ts";
import { openStore } from "../../src/index.ts";
import { createAnswerCache, type CachedAnswer } from "../../src/online/answer-cache.ts";
import { onlineReader } from "../../src/online/online-reader.ts";
import { feed, scenarioSource } from "@tidemark/testkit/oracle/consistency";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { memoryOnlineData, memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";

interface ReadCounts extends OnlineStore {
  /** The number of answers of a view whose log tails were reported unchanged. */
  same: number;
  reads: number;
  /** Runs before the next read, as a concurrent writer would. */
  before: (() => Promise<void>) | null;
}

/**
 * Wraps a store and reports unchanged cells. `states` is the number of a read's cells that belong
 * to sources.
 */
function countingStore(
  store: OnlineStore,
  data: { readonly version: number },
  states: number,
): ReadCounts {
  return {
    ...store,
    same: 0,
    reads: 0,
    before: null,
    async readIfChanged(keys, known) {
      this.reads++;
      const { before } = this;
      this.before = null;
      await before?.();
      const cells = await store.read(keys);
      return cells.map((cell, i) => {
        if (cell === null || cell.version !== known[i]) return cell;
        if (i >= states) this.same++;
        return "same";
      });
    },
    changeCounter() {
      return data.version;
    },
  };
}

const { runs, seeds } = seedsFromEnvironment({ runs: 60 });

const hasEveryAggregation = (seed: number): boolean => seed % 4 === 0;

const plain = (answers: readonly ResultColumns[]): unknown =>
  answers.map(({ values, statuses, times }) => ({ values, statuses, times: [...times] }));

test(
  "a cached answer equals the computed one, and all are of one snapshot",
  { timeout: 300_000 },
  async () => {
    const total = { asked: 0, same: 0, unread: 0, between: 0 };
    for (const seed of seeds) {
      const scenario = generateScenario(seed, { everyAggregation: hasEveryAggregation(seed) });
      const random = new Random(seed);
      const data = memoryOnlineData();
      const [online, offline] = [memoryOnlineStore(data), memoryOfflineStore()];
      await online.open({ namespace: "test" });
      const told = countingStore(
        online,
        data,
        new Set(
          scenario.selected.flatMap(({ view }) =>
            (view.parts ?? [view]).map(({ source }) => source.name),
          ),
        ).size,
      );
      const reader = onlineReader({
        store: told,
        namespace: "test",
        views: scenario.views,
        answerCacheBytes: random.pick([3_000, 30_000, 1e7]),
        onOverflow: () => undefined,
      });
      const { changeCounter: _, ...unstamped } = told;
      const others = [
        // one store reports changed cells, the other reports nothing
        onlineReader({
          store: unstamped,
          namespace: "test",
          views: scenario.views,
          onOverflow: () => undefined,
        }),
        onlineReader({
          store: online,
          namespace: "test",
          views: scenario.views,
          onOverflow: () => undefined,
        }),
      ];
      const twin = onlineReader({
        store: online,
        namespace: "test",
        views: scenario.views,
        answerCacheBytes: 0,
        onOverflow: () => undefined,
      });
      const entities = scenario.requests.slice(0, 6).map(({ keys }) => keys);
      const times = scenario.requests.map(({ time }) => time).sort((a, b) => a - b);
      const lines = scenario.truth.map((_, i) => i);
      let fed = 0;
      const more = async (share: number): Promise<void> => {
        fed = Math.min(lines.length, fed + Math.ceil(lines.length * share));
        await feed(
          scenario,
          { online, offline },
          {},
          scenarioSource(scenario, [lines.slice(0, fed)]),
        );
      };
      for (let part = 1; part <= 4; part++) {
        await more(0.15);
        let order = 0;
        for (let n = 0; n < 40; n++) {
          // The time mostly moves on, by nothing or a microsecond. Sometimes it moves to the next
          // window edge, or back.
          order = Math.max(
            0,
            Math.min(times.length - 1, order + random.pick([0, 0, 0, 1, 1, 2, -1])),
          );
          const keys = random.chance(0.5)
            ? random.shuffled(entities).slice(0, random.between(2, 6))
            : [random.pick(entities)];
          const question = {
            selection: scenario.selected,
            keys,
            t: times[order]! + random.pick([0, 0, 1, -1, 1000]),
          };
          let expected = plain(await twin.read(question));
          if (random.chance(0.1)) {
            told.before = async () => {
              await more(0.03);
              expected = plain(await twin.read(question));
              total.between++;
            };
          }
          const { reads } = told;
          expect(
            plain(await reader.read(question)),
            `seed ${seed}, part ${part}, at ${question.t}`,
          ).toEqual(expected);
          if (told.reads === reads) total.unread++;
          told.before = null;
          expected = plain(await twin.read(question));
          for (const other of others)
            expect(
              plain(await other.read(question)),
              `seed ${seed}, part ${part}, at ${question.t}`,
            ).toEqual(expected);
          total.asked++;
        }
      }
      total.same += told.same;
    }
    console.log(
      `kept answers: ${total.asked} questions, ${total.same} answers of a view used again ` +
        `after a look at their heads, ${total.unread} questions answered without a read, ` +
        `${total.between} writes came in between`,
    );
    // Features that move with the clock are in the views of every aggregation, and not kept.
    const kept = seeds.filter((seed) => !hasEveryAggregation(seed)).length;
    expect(total.same).toBeGreaterThan(kept * 20);
    expect(total.unread).toBeGreaterThan(0);
    expect(total.between).toBeGreaterThan(runs * 8);
  },
);

test("the cache stays within its bytes; repeated requests stay longest", () => {
  const memory = createAnswerCache(1_000_000);
  const plans = [memory.forPlan(), memory.forPlan(), memory.forPlan()];
  const answer: CachedAnswer = {
    tailKey: new Uint8Array(20),
    version: 1,
    from: 0,
    until: 1,
    values: [1, 2n, "x".repeat(100)],
    statuses: ["PRESENT", "PRESENT", "PRESENT"],
    times: [0, 0, 0],
    seen: null,
  };
  for (let n = 0; n < 30_000; n++) {
    plans[n % 3]!.set(`key ${n}`, answer);
    expect(plans[0]!.get("key 0")).toBe(answer);
  }
  const kept = Array.from({ length: 30_000 }, (_, n) => n).filter(
    (n) => plans[n % 3]!.get(`key ${n}`) !== undefined,
  );
  // each has about 700 bytes
  expect(kept.length).toBeGreaterThan(500);
  expect(kept.length).toBeLessThan(1_600);
  expect(kept.slice(1).every((n) => n > 28_000)).toBe(true);
  plans[0]!.clear();
  expect(plans[0]!.get("key 0")).toBeUndefined();
});

test("an answer that needs much of the cache's bytes is not cached", () => {
  const plan = createAnswerCache(100_000).forPlan();
  plan.set("large", {
    tailKey: new Uint8Array(20),
    version: 1,
    from: 0,
    until: 1,
    values: ["x".repeat(50_000)],
    statuses: ["PRESENT"],
    times: [0],
    seen: null,
  });
  expect(plan.get("large")).toBeUndefined();
});

test("an invalid maxBytes of the answer cache is STORE_OPTIONS_INVALID", async () => {
  for (const maxBytes of [-1, 1.5, NaN, Infinity]) {
    await expect(
      openStore({
        definitions: {},
        online: { store: memoryOnlineStore(), answerCache: { maxBytes } },
      }),
    ).rejects.toMatchObject({ code: "STORE_OPTIONS_INVALID" });
  }
});
