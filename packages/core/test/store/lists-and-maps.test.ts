/** Lists and maps through a store: requests, training sets and materialized rows answer alike. */
import {
  distinctValues,
  entity,
  featureView,
  histogram,
  int64,
  lastN,
  openStore,
  pushSource,
  string,
  timestamp,
  topK,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const visits = pushSource("visits", {
  columns: { id: int64(), user_id: string(), page: string().nullable(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const seen = featureView("seen", {
  entity: user,
  source: visits,
  features: {
    pages: distinctValues(visits.page, { atMost: 2 }).over("1d"),
    counts: histogram(visits.page).over("1d"),
    by_id: histogram(visits.id).over("1d"),
    newest: lastN(visits.page, 2).over("1d"),
    largest: topK(visits.id, 2).over("1d"),
  },
});
const NOON = "2025-06-18T12:00:00Z";
const MIDNIGHT = "2025-06-19T00:00:00Z";

async function openWith(
  pages: readonly (string | null)[],
): Promise<{ readonly store: Store; readonly truncated: number[] }> {
  const truncated: number[] = [];
  const store = await openStore({
    definitions: { seen },
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
    clock: () => new Date("2025-06-20T00:00:00Z"),
    onTruncated: (count) => truncated.push(count),
  });
  await store.push(
    visits,
    pages.map((page, i) => ({
      id: BigInt(i),
      user_id: "ann",
      page,
      time: new Date(Date.parse(NOON) + i * 1000),
    })),
  );
  return { store, truncated };
}

const wanted = {
  pages: ["10", "9"],
  counts: new Map([
    ["10", 1],
    ["9", 2],
  ]),
  by_id: new Map([
    [0n, 1],
    [1n, 1],
    [2n, 1],
    [3n, 1],
  ]),
  newest: ["9", "10"],
  largest: [3n, 2n],
};

test("requests, training sets and materialized rows answer alike", async () => {
  const { store, truncated } = await openWith(["9", null, "10", "9"]);
  const [online] = await store.getOnlineFeatures({
    features: seen,
    entities: [{ user_id: "ann" }],
    asOf: MIDNIGHT,
  });
  expect(online).toEqual(wanted);
  // Keys come in their order as text, which no object keeps.
  expect([...online.counts.keys()]).toEqual(["10", "9"]);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const set = await store.getHistoricalFeatures({
      features: seen,
      entities: [
        { user_id: "ann", event_timestamp: knowledge === "as-known" ? NOON : MIDNIGHT },
        { user_id: "bob", event_timestamp: MIDNIGHT },
      ],
      knowledge,
    });
    const [ann, bob] = await set.rows();
    const nothing = { pages: [], counts: new Map(), by_id: new Map(), newest: [], largest: [] };
    expect(ann).toMatchObject(knowledge === "as-known" ? nothing : wanted);
    expect(bob).toMatchObject(nothing);
  }
  await store.materialize({ dates: ["2025-06-18"] });
  const [day] = await store.getMaterialized({ view: seen, entities: [{ user_id: "ann" }] });
  expect(day).toEqual({ event_timestamp: new Date(MIDNIGHT), ...wanted });
  expect(truncated).toEqual([]);
  await store.close();
});

test("each answer that a bound cut is counted, also when it is asked again", async () => {
  const { store, truncated } = await openWith(["c", "b", "a"]);
  const request = { features: seen.pages, entities: [{ user_id: "ann" }], asOf: MIDNIGHT } as const;
  for (let i = 0; i < 3; i++)
    expect(await store.getOnlineFeatures(request)).toEqual([{ pages: ["a", "b"] }]);
  expect(truncated).toEqual([1, 1, 1]);
  const set = await store.getHistoricalFeatures({
    features: seen.pages,
    entities: [
      { user_id: "ann", event_timestamp: MIDNIGHT },
      { user_id: "ann", event_timestamp: "2025-06-18T12:00:02Z" },
    ],
    knowledge: "as-corrected",
  });
  expect((await set.rows()).map(({ pages }) => pages)).toEqual([
    ["a", "b"],
    ["b", "c"],
  ]);
  expect(truncated).toEqual([1, 1, 1, 1]);
  await store.close();
});
