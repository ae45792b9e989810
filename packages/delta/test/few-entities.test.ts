/** A training set of few entities reads few pages, and gives the answers of the whole one. */
import assert from "node:assert/strict";
import { micros, openStore, type Knowledge } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { temporary } from "./lakes.ts";

const { first, seeds } = seedsFromEnvironment({ runs: 20, least: 5 });

const USERS = 150;
const EVENTS = 12_000;
const TAIL_BYTES = 65_536;
const DAY = 86_400_000_000;
const END = Date.parse("2025-04-01T00:00:00Z") * 1000;

test("few entities have the answers that they have among all", async () => {
  const folder = await temporary();
  const read = { bytes: 0 };
  const objects = localObjects(folder);
  const store = await openStore({
    definitions: { weekly },
    offline: deltaOfflineStore({
      ...objects,
      async read(key, range, ...more) {
        const bytes = await objects.read(key, range, ...more);
        // a footer is read with the end of its file
        const isFooter = range === undefined || range.to - range.from === TAIL_BYTES;
        if (key.includes("/versions/") && key.endsWith(".parquet") && !isFooter)
          read.bytes += bytes!.length;
        return bytes;
      },
    }),
  });
  const rows = transactionRows({
    users: USERS,
    events: EVENTS,
    end: END,
    span: 20 * DAY,
    seed: first,
  });
  await store.run(transactionSource(rows, { batch: 1000, updated: 0.05 }));
  const answersOf = async (
    users: readonly number[],
    knowledge: Knowledge,
  ): Promise<Map<string, string>> => {
    const entities = users.flatMap((user) =>
      [0, 3, 9].map((days) => ({
        user_id: userName(user),
        event_timestamp: micros(END - days * DAY),
      })),
    );
    read.bytes = 0;
    const set = await store.getHistoricalFeatures({ features: weekly, entities, knowledge });
    const answers = await set.rows();
    return new Map(
      answers.map((answer, i) => [
        `${entities[i]!.user_id} ${i % 3}`,
        JSON.stringify(answer, (_, value: unknown) =>
          typeof value === "bigint" ? `${value}n` : value,
        ),
      ]),
    );
  };
  for (const isCompacted of [false, true]) {
    if (isCompacted) await store.compact();
    for (const knowledge of ["as-corrected", "as-known"] as const) {
      const all = await answersOf(
        Array.from({ length: USERS + 1 }, (_, user) => user),
        knowledge,
      );
      const allBytes = read.bytes;
      for (const seed of seeds) {
        const random = new Random(seed);
        // the last user has no rows
        const users = Array.from({ length: 1 + random.int(4) }, () => random.int(USERS + 1));
        for (const [key, answer] of await answersOf([...new Set(users)], knowledge))
          assert.equal(answer, all.get(key), `${key}, ${knowledge}, TIDEMARK_SEED=${seed}`);
      }
      if (!isCompacted) continue;
      await answersOf([7], knowledge);
      expect(read.bytes).toBeGreaterThan(0);
      expect(read.bytes).toBeLessThan(allBytes / 2);
    }
  }
  await store.close();
});
