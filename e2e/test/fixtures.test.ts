/**
 * Tests the recorded topics of a real connector through the store's public API and through files.
 * The expected values of scenario.sql were computed by hand.
 */
import {
  count,
  featureService,
  featureView,
  latest,
  micros,
  openStore,
  sum,
  type Store,
} from "@tidemark/core";
import {
  cards,
  holder,
  identity,
  transactions,
  user,
  weekly,
} from "@tidemark/testkit/bank/definitions";
import { recordedTopic } from "@tidemark/source-debezium";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepingStores, inFolder, realStores } from "../src/real-stores.ts";

const ever = featureView("ever", {
  entity: user,
  source: transactions,
  features: { num_ever: count().over("1000d"), total_ever: sum(transactions.amount).over("1000d") },
});
const newest = featureView("newest", {
  entity: user,
  source: transactions,
  features: { last_vendor: latest(transactions.vendor), last_amount: latest(transactions.amount) },
});
const sums = featureView("sums", {
  entity: user,
  source: identity,
  features: { exact_total: sum(identity.amount).over("30d"), exact_rows: count().over("30d") },
});
const all = featureService("all", [weekly, newest, holder, sums]);
const definitions = { transactions, cards, identity, weekly, ever, newest, holder, sums, all };

const USERS = [
  "user_000001",
  "user_000002",
  "user_000003",
  "user_000004",
  "người dùng 😀",
  "user_000009",
] as const;
const T = "2025-03-10T00:00:00Z";

/**
 * The seven features of each user at T. The transaction at 2025-03-03T00:00:00 is in the window's
 * first microsecond.
 */
const weeklyAt: readonly (readonly unknown[])[] = [
  [2, 162.5, 81.25, 42, 120.5, 2, 1],
  [0, 0, null, null, null, 0, 0],
  [2, 0.5, 0.25, 0.2, 0.3, 2, 1],
  [3, 0, null, null, null, 1, 1],
  [1, 7.5, 7.5, 7.5, 7.5, 1, 1],
  [0, 0, null, null, null, 0, 0],
];

const topic = (name: string): string =>
  fileURLToPath(
    new URL(`../../packages/source-debezium/test/fixtures/${name}.jsonl`, import.meta.url),
  );

const recorded = (shape: string) =>
  recordedTopic(
    ["transaction_data", "card", "full_identity"].map((table) => topic(`${shape}.public.${table}`)),
    { onWarning: () => undefined },
  );

describe.each(["bare", "enveloped", "flat"] as const)("%s", (shape) => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-fixtures-"));
  let store: Store;
  beforeAll(async () => {
    const written = await openStore({ definitions, ...keepingStores(realStores(folder)) });
    await written.run(recorded(shape));
    await written.close();
    store = await openStore({
      definitions,
      ...keepingStores(realStores(folder)),
      clock: () => new Date("2026-12-01T00:00:00Z"),
    });
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const entities = USERS.map((user_id) => ({ user_id }));
  const rowsAt = (time: string) => entities.map((keys) => ({ ...keys, event_timestamp: time }));

  test("the seven features, online and in a training set", async () => {
    const online = await store.getOnlineFeatures({ features: weekly, entities, asOf: T });
    expect(online.map((row) => Object.values(row))).toEqual(weeklyAt);
    const training = await (
      await store.getHistoricalFeatures({ features: weekly, entities: rowsAt(T) })
    ).rows();
    expect(training).toEqual(
      USERS.map((user_id, i) => ({ user_id, event_timestamp: T, ...online[i] })),
    );
  });

  test("a microsecond later the transaction of a week before has left", async () => {
    const [row] = await store.getOnlineFeatures({
      features: weekly,
      entities: [{ user_id: "user_000001" }],
      asOf: "2025-03-10T00:00:00.000001Z",
    });
    expect(Object.values(row)).toEqual([1, 120.5, 120.5, 120.5, 120.5, 1, 1]);
  });

  test("the newest transaction of each user, null where its columns are", async () => {
    const rows = await store.getOnlineFeatures({ features: newest, entities, asOf: T });
    expect(rows.map((row) => [row.last_vendor, row.last_amount])).toEqual([
      ["Online Shopping", 120.5],
      ["Sending Out", 75.25],
      ["Hospital", 0.3],
      ["Hospital", null],
      ['Cửa hàng "A"\\n', 7.5],
      [null, null],
    ]);
  });

  test("the card that changed its number and its holder at once", async () => {
    const changed = 1_795_423_829_005_035;
    for (const [t, first, second] of [
      [changed, "4000-0001", null],
      [changed + 1, null, "4000-0002"],
    ] as const) {
      const asked = entities.slice(0, 2);
      expect(
        (
          await store.getOnlineFeatures({ features: holder.card, entities: asked, asOf: micros(t) })
        ).map((row) => row.card),
      ).toEqual([first, second]);
      for (const knowledge of ["as-corrected", "as-known"] as const) {
        const rows = await (
          await store.getHistoricalFeatures({
            features: holder.card,
            entities: asked.map((keys) => ({ ...keys, event_timestamp: micros(t) })),
            knowledge,
          })
        ).rows();
        expect(rows.map((row) => row.card)).toEqual([first, second]);
      }
    }
    expect(
      (
        await store.getOnlineFeatures({
          features: holder.opened,
          entities: [{ user_id: "user_000002" }],
        })
      )[0],
    ).toEqual({ opened: "2020-01-31" });
  });

  test("exact decimals, and a truncate, which unwrapped rows do not report", async () => {
    const rows = await store.getOnlineFeatures({
      features: sums,
      entities: entities.slice(0, 3),
      asOf: "2025-03-20T00:00:00Z",
    });
    expect(rows.map((row) => [row.exact_total, row.exact_rows])).toEqual(
      shape === "flat"
        ? [
            ["11.00", 1],
            ["31.00", 2],
            ["0.00", 0],
          ]
        : [
            ["0.00", 0],
            ["1.00", 1],
            ["0.00", 0],
          ],
    );
  });

  test("what was known between the transactions of the scenario", async () => {
    // after the first inserts, the two updates of one transaction, the move to another user, the
    // delete, and the insert with its delete
    const steps = [
      1_795_423_828_959_557, 1_795_423_828_969_559, 1_795_423_828_972_862, 1_795_423_828_978_424,
      1_795_423_828_989_857,
    ];
    const entity_rows = steps.flatMap((t) =>
      USERS.slice(0, 3).map((user_id) => ({ user_id, event_timestamp: micros(t) })),
    );
    const known = await (
      await store.getHistoricalFeatures({
        features: ever,
        entities: entity_rows,
        knowledge: "as-known",
      })
    ).rows();
    expect(
      steps.map((_, i) =>
        known.slice(3 * i, 3 * i + 3).map((row) => [row.num_ever, row.total_ever]),
      ),
    ).toEqual([
      [
        [3, 235.75],
        [1, 310],
        [2, 0.30000000000000004],
      ],
      [
        [3, 237.75],
        [1, 310],
        [2, 0.30000000000000004],
      ],
      [
        [2, 162.5],
        [2, 385.25],
        [2, 0.30000000000000004],
      ],
      [
        [2, 162.5],
        [1, 75.25],
        [2, 0.30000000000000004],
      ],
      [
        [2, 162.5],
        [1, 75.25],
        [2, 0.5],
      ],
    ]);
    const corrected = await (
      await store.getHistoricalFeatures({ features: ever, entities: entity_rows.slice(0, 3) })
    ).rows();
    expect(corrected.map((row) => [row.num_ever, row.total_ever])).toEqual([
      [2, 162.5],
      [1, 75.25],
      [2, 0.5],
    ]);
  });

  test("six messages over three rows are quarantined by name; NaN and Infinity count", async () => {
    const [status] = await store.status();
    expect(status!.online).toMatchObject({
      quarantinedChanges: 6,
      quarantinedRows: 3,
      nonFiniteValues: 4,
      invalidValues: expect.any(Number) as number,
    });
    const found = (await store.quarantine("transactions")).map(
      ({ key, topic: at, partition, column, reason }) => [key["id"], at, partition, column, reason],
    );
    const at = `${shape}.public.transaction_data`;
    expect(found).toEqual([
      [10n, at, 0, "user_id", "NULL_NOT_ALLOWED"],
      [11n, at, 0, "time", "NULL_NOT_ALLOWED"],
      [12n, at, 0, "time", "NOT_A_TIME"],
    ]);
    const offsets = (await store.quarantine("transactions")).map(({ offset }) => offset);
    // the last message of each row belongs to the incremental snapshot at the end of the topic
    const last = readFileSync(topic(at), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly offset: string; readonly key: string });
    expect(offsets).toEqual(
      [10, 11, 12].map((id) =>
        Number(last.findLast(({ key }) => new RegExp(`"id":${id}\\b`).test(key))!.offset),
      ),
    );
    expect(await store.quarantine("cards")).toEqual([]);
  });

  test("the same topics again change nothing; each store continues at its position", async () => {
    // a run measures its lag anew
    const status = async () => (await store.status()).map((one) => ({ ...one, lag: null }));
    const before = await status();
    expect(await store.run(recorded(shape))).toMatchObject({ changes: 0, notTaken: [] });
    expect(await status()).toEqual(before);
  });
});

test("three partitions, repeats, changed keys, a truncate give PostgreSQL's tables", async () => {
  const rows = readFileSync(
    fileURLToPath(
      new URL(
        "../../packages/source-debezium/test/fixtures/multi.transaction_data.final.csv",
        import.meta.url,
      ),
    ),
    "utf8",
  )
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [, user_id, , vendor, channel, time, amount] = line.split(",");
      return {
        user_id: user_id!,
        vendor: vendor!,
        channel: channel!,
        time: Date.parse(`${time!.replace(" ", "T")}Z`),
        amount: Number(amount),
      };
    });
  const users = Array.from({ length: 10 }, (_, i) => ({ user_id: `user_00000${i}` }));
  await inFolder(async (folder) => {
    const written = await openStore({
      definitions,
      ...keepingStores(realStores(folder), { commit: { rows: 20 }, buckets: 3 }),
    });
    await written.run(
      recordedTopic([topic("multi.public.transaction_data"), topic("multi.public.card")], {
        batchChanges: 7,
      }),
    );
    await written.close();
    const store = await openStore({
      definitions,
      ...realStores(folder),
      clock: () => new Date("2026-12-31T00:00:00Z"),
    });
    for (const t of [
      "2025-03-01T05:33:00Z",
      "2025-03-02T01:00:00Z",
      "2025-03-08T04:19:00Z",
      "2025-03-08T11:43:00Z",
      "2025-03-09T01:06:00.001Z",
    ].map((text) => new Date(text))) {
      const expected = users.map(({ user_id }) => {
        const inside = rows.filter(
          (row) =>
            row.user_id === user_id &&
            t.getTime() - 7 * 86_400_000 <= row.time &&
            row.time < t.getTime(),
        );
        // quarters add up exactly in any order
        const [total, amounts] = [
          inside.reduce((added, { amount }) => added + amount, 0),
          inside.map(({ amount }) => amount),
        ];
        const distinct = (values: readonly string[]): number => new Set(values).size;
        return inside.length === 0
          ? [0, 0, null, null, null, 0, 0]
          : [
              inside.length,
              total,
              total / inside.length,
              Math.min(...amounts),
              Math.max(...amounts),
              distinct(inside.map(({ vendor }) => vendor)),
              distinct(inside.map(({ channel }) => channel)),
            ];
      });
      const online = await store.getOnlineFeatures({ features: weekly, entities: users, asOf: t });
      expect(online.map((row) => Object.values(row))).toEqual(expected);
      const training = await (
        await store.getHistoricalFeatures({
          features: weekly,
          entities: users.map((keys) => ({ ...keys, event_timestamp: t })),
        })
      ).rows();
      expect(training).toEqual(
        users.map((keys, i) => ({ ...keys, event_timestamp: t, ...online[i] })),
      );
    }
    const held = await store.getOnlineFeatures({ features: holder, entities: users });
    expect(held.map((row) => [row.card, row.opened])).toEqual(
      users.map((_, i) =>
        i === 1
          ? ["7000-0001", "2025-01-01"]
          : i === 2
            ? ["5000-0005", "2025-01-02"]
            : [null, null],
      ),
    );
    expect((await store.status()).map(({ online }) => online!.quarantinedRows)).toEqual([0, 0, 0]);
    await store.close();
  });
});
