/** Volume against the windows before, and the table of results. */
import {
  int64,
  openStore,
  pushSource,
  quality,
  timestamp,
  volume,
  type ExpectationResult,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { valueAt } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { DAY, NOON, SECOND, date } from "../support/shop.ts";

const visits = pushSource("visits", {
  columns: { id: int64({ mode: "number" }), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const definitions = {
  visits,
  daily: quality("daily", {
    on: visits,
    expect: { usual: volume("1d", { previous: 3, within: 0.5 }) },
  }),
};

/** Checks visits, of which there were so many in the days before noon, the newest day first. */
async function checked(...days: readonly number[]): Promise<ExpectationResult> {
  const offline = memoryOfflineStore();
  const store = await openStore({
    definitions,
    offline,
    online: { store: memoryOnlineStore(), retention: "forever" },
    clock: () => date(NOON - 100 * DAY),
  });
  let id = 0;
  const rows = days.flatMap((count, k) =>
    Array.from({ length: count }, (_, i) => ({
      id: id++,
      // the first is at the far edge of its window
      time: date(NOON - (k + 1) * DAY + i * SECOND),
    })),
  );
  if (rows.length > 0) await store.push(visits, rows);
  const { results } = await store.quality({ asOf: date(NOON) });
  return results[0]!;
}

test.each<[string, readonly number[], boolean, number | null]>([
  ["as usual", [10, 10, 12, 8], true, 10],
  ["at the edge", [5, 10, 10, 10], true, 10],
  ["too few", [4, 10, 10, 10], false, 10],
  ["too many", [16, 10, 10, 10], false, 10],
  ["none", [0, 10, 10, 10], false, 10],
  ["one odd day before", [10, 10, 1000, 11], true, 11],
  ["two days before", [12, 10, 13], true, 11.5],
  ["windows before the first row do not count", [10, 10], true, 10],
  ["an empty day after the first row counts", [10, 0, 0, 10], false, 0],
  ["nothing to compare with", [10], true, null],
  ["rows farther back do not count", [10, 0, 0, 0, 10], true, null],
  ["no rows at all", [0], true, null],
])("a volume like that of the days before: %s", async (_, days, holds, reference) => {
  const result = await checked(...days);
  expect([result.measured, result.reference, result.holds]).toEqual([days[0], reference, holds]);
});

test("what is expected is said in words", async () => {
  expect((await checked(1)).expected).toBe(
    "rows in 1d, at most 0.5 of the median away from that of the 3 windows before",
  );
});

test("each check adds its results to the table quality/results", async () => {
  const offline = memoryOfflineStore();
  const store = await openStore({ definitions, offline, clock: () => date(NOON) });
  await store.quality();
  await store.quality({ asOf: date(NOON - DAY) });
  const found: unknown[] = [];
  const columns = ["checked_at", "as_of", "quality", "expectation", "subject", "is_met"];
  for await (const { length, vectors } of offline.scan("quality/results", { columns }))
    for (let i = 0; i < length; i++) found.push(vectors.map((vector) => valueAt(vector, i)));
  expect(found).toEqual([
    [NOON, NOON, "daily", "usual", "source visits", true],
    [NOON, NOON - DAY, "daily", "usual", "source visits", true],
  ]);
});

test.each([
  ["no number of windows", { within: 0.5 }, /previous is a number of windows/],
  ["too many windows", { previous: 1001, within: 0.5 }, /from 1 to 1000/],
  ["no share", { previous: 7 }, /within is a share of the median/],
  ["a negative share", { previous: 7, within: -1 }, /within is a share of the median/],
])("volume refuses %s", (_, given, message) => {
  expect(() => volume("1d", given)).toThrow(message);
});
