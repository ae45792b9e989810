import fc from "fast-check";
import { expect, test } from "vitest";
import { isTidemarkError } from "../../src/errors.ts";
import type { Change, OnlineStore, PositionStep } from "../../src/spi.ts";
import { onlineReader } from "../../src/online/online-reader.ts";
import { onlineWriter, type OnlineWriter } from "../../src/online/online-writer.ts";
import { layoutFor } from "../../src/online/source-state.ts";
import { memoryOnlineData, memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { oracleOf, generateScenario, type Scenario } from "@tidemark/testkit/generate/scenario";
import { sameAnswer } from "@tidemark/testkit/oracle/oracle";
import { Random } from "@tidemark/testkit/generate/random";
import { withLogOrder } from "../support/log-order.ts";

const forever = { retain: Infinity, logRetention: Infinity };
const partitionOf = ({ topic, partition }: Change): string => `${topic}:${partition}`;

/** A store whose calls interleave with others. It counts the steps that met a conflict. */
function slowed(store: OnlineStore, random: Random): OnlineStore & { conflicts: number } {
  const pause = async (): Promise<void> => {
    for (let turns = random.int(3); turns > 0; turns--)
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
  };
  return {
    ...store,
    conflicts: 0,
    async read(keys) {
      await pause();
      const cells = await store.read(keys);
      await pause();
      return cells;
    },
    async write(step) {
      await pause();
      const written = await store.write(step);
      if (written === "conflict") this.conflicts++;
      return written;
    },
  };
}

/** Applies the changes of a runner's partitions in batches, each with its positions. */
async function run(writer: OnlineWriter, changes: readonly Change[], size: number): Promise<void> {
  const reached = new Map<string, number>();
  for (let at = 0; at < changes.length; at += size) {
    const batch = changes.slice(at, at + size);
    const next = new Map(batch.map((change) => [partitionOf(change), change.offset]));
    await writer.apply(
      batch,
      [...next].map(([partition, offset]): PositionStep => ({
        partition,
        expected: reached.get(partition) ?? null,
        next: offset,
      })),
    );
    for (const [partition, offset] of next) reached.set(partition, offset);
  }
}

const writerOf = (
  scenario: Scenario,
  store: OnlineStore,
  source: Scenario["sources"][number],
): Promise<OnlineWriter> =>
  onlineWriter({
    store,
    namespace: "n",
    layout: layoutFor(source, scenario.views),
    clock: () => 0,
    retention: forever,
  });

test("concurrent runners, one for each partition, lose and double nothing", async () => {
  let conflicts = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const scenario = generateScenario(seed, {
        traits: { changes: 30, partitions: 3, withoutLsn: false, clockGoesBack: false },
      });
      const random = new Random(seed);
      const store = memoryOnlineStore();
      await store.open({ namespace: "n" });
      const raced = slowed(store, random);
      await Promise.all(
        scenario.sources.map(async (source) => {
          const changes = withLogOrder(source, scenario.truth);
          await Promise.all(
            [...new Set(changes.map(partitionOf))].map(async (partition) => {
              await run(
                await writerOf(scenario, raced, source),
                changes.filter((change) => partitionOf(change) === partition),
                random.between(1, 12),
              );
            }),
          );
          await (
            await writerOf(scenario, raced, source)
          ).markReady(0, async () => ({
            partitions: [],
            isWhole: () => true,
            keepsUnreadable: true,
          }));
        }),
      );
      conflicts += raced.conflicts;
      const reader = onlineReader({
        store,
        namespace: "n",
        views: scenario.views,
        onOverflow: () => undefined,
      });
      const oracle = oracleOf(scenario);
      for (const request of scenario.requests) {
        const answers = await reader.read({
          selection: scenario.selected,
          keys: [request.keys],
          t: request.time,
        });
        oracle.answer(scenario.selected, request, "corrected").forEach((expected, f) => {
          const { values, statuses, times } = answers[f]!;
          const found = {
            value: values[0]!,
            status: statuses[0]!,
            eventTime: Number.isNaN(times[0]!) ? null : times[0]!,
          };
          expect(
            sameAnswer(found, expected),
            `seed ${seed}, ${scenario.selected[f]!.as}: ${String(found.value)} for ` +
              `${String(expected.value)}`,
          ).toBe(true);
        });
      }
    }),
    { numRuns: 40 },
  );
  expect(conflicts).toBeGreaterThan(100);
});

test("a runner that another overtook in its partition is refused and changes nothing", async () => {
  const scenario = generateScenario(3, { traits: { partitions: 1, partitionAdded: false } });
  const source = scenario.sources[0]!;
  const changes = withLogOrder(source, scenario.truth);
  const data = memoryOnlineData();
  const [first, second] = [memoryOnlineStore(data), memoryOnlineStore(data)];
  await first.open({ namespace: "n" });
  await second.open({ namespace: "n" });
  const [ahead, behind] = [
    await writerOf(scenario, first, source),
    await writerOf(scenario, second, source),
  ];
  await run(ahead, changes.slice(0, 10), 5);
  const before = await first.positions(source.name);
  await expect(run(behind, changes.slice(0, 5), 5)).rejects.toSatisfy((error) =>
    isTidemarkError(error, "ONLINE_STORE_FENCED"),
  );
  expect(await first.positions(source.name)).toEqual(before);
});
