/** What is served while a stream runs is what the history gives as known then, to the bit. */
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { batchOf, valueAt } from "@tidemark/core/spi";
import { generateScenario, Random, seedsFromEnvironment } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { inFolder, realStores } from "../src/real-stores.ts";
import { SERVED_TRAITS, serveScenario } from "../src/served-scenario.ts";

const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 3, least: 1 });

test(`answers of ${seeds} generated scenarios have no skew`, { timeout: 600_000 }, async () => {
  let [answers, compared] = [0, 0];
  for (let n = 0; n < seeds; n++) {
    const scenario = generateScenario(seed + n, {
      everyAggregation: true,
      requests: 6,
      traits: SERVED_TRAITS,
    });
    const check = async (stores: Parameters<typeof serveScenario>[1]): Promise<void> => {
      const { store, rows, range } = await serveScenario(scenario, stores);
      const report = await store.skew(range);
      expect(report.answers).toBe(rows);
      expect(report.examples, `seed ${seed + n}`).toEqual([]);
      expect(report).toMatchObject({ otherDefinition: 0, notInHistory: 0 });
      answers += report.answers;
      compared += report.compared;
      await store.close();
    };
    if (n % 3 === 0) await inFolder(async (folder) => check(realStores(folder)));
    else await check({ online: memoryOnlineStore(), offline: memoryOfflineStore() });
  }
  console.log(`skew: ${answers} answers, ${compared} values`);
  if (seeds >= 3) expect(compared).toBeGreaterThan(20_000);
});

test("answers without the newest changes are late, and none of them is wrong", async () => {
  let [late, behind] = [0, 0];
  for (let n = 0; n < seeds; n++) {
    const everyAggregation = n % 3 === 1;
    const scenario = generateScenario(seed + n, {
      everyAggregation,
      requests: 6,
      traits: SERVED_TRAITS,
    });
    const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    const { store, range } = await serveScenario(scenario, stores, { behind: 2 });
    const report = await store.skew(range);
    expect(
      report.examples.filter(({ kind }) => kind !== "late" && kind !== "behind"),
      `seed ${seed + n}`,
    ).toEqual([]);
    // answers that fall into the middle of a transaction are behind, and fewer
    late += report.late.values;
    behind += report.behind.values;
    await store.close();
  }
  expect(late).toBeGreaterThan(behind);
});

const bits = new DataView(new ArrayBuffer(8));
/** The JSON number of the double whose lowest bit is flipped. */
function flipped(text: string): string {
  bits.setFloat64(0, Number(text));
  bits.setBigUint64(0, bits.getBigUint64(0) ^ 1n);
  return String(bits.getFloat64(0));
}

test("each flipped bit of a logged double is found, and nothing else", async () => {
  let planted = 0;
  for (let n = 0; planted === 0; n++) {
    const scenario = generateScenario(seed + n, {
      everyAggregation: true,
      requests: 6,
      traits: SERVED_TRAITS,
    });
    const doubles = [...scenario.selected, ...scenario.derived]
      .filter(({ feature }) => feature.result.type === "float64")
      .map(({ as }) => as);
    const stores = { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    const { store, range } = await serveScenario(scenario, stores);
    await store.servingLog!.flush();
    const random = new Random(seed);
    await stores.offline.replaceRows("serving-log/answers", {
      columns: ["values"],
      isAffected: () => true,
      replace(batch) {
        const at = batch.columns.findIndex(({ name }) => name === "values");
        const edited = Array.from({ length: batch.length }, (_, i) => {
          const row = batch.vectors.map((vector) => valueAt(vector, i));
          if (doubles.length === 0 || !random.chance(0.1)) return row;
          const member = new RegExp(`("${random.pick(doubles)}":)(-?[0-9][0-9.e+-]*)`);
          const next = (row[at] as string).replace(
            member,
            (_all, name: string, value: string) => name + flipped(value),
          );
          if (next !== row[at]) planted++;
          return row.with(at, next);
        });
        return batchOf(batch.columns, edited);
      },
    });
    const { wrong, late, early, behind, examples } = await store.skew({ ...range, examples: 1 });
    expect({ wrong, others: late.values + early.values + behind.values }).toEqual({
      wrong: { values: planted, bits: planted },
      others: 0,
    });
    for (const { explain } of examples)
      expect(explain).toMatch(/^tidemark explain \S+:\S+ --entity/);
    await store.close();
  }
});
