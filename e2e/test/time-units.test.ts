/**
 * Tests event times whose unit nothing says: the run asks for the unit, and a retry takes the rows
 * once it is known.
 */
import {
  count,
  entity,
  featureView,
  float64,
  int64,
  micros,
  openStore,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { recordedTopic, type TimeUnit } from "@tidemark/source-debezium";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, keepingStores, realStores, topicPath } from "../src/real-stores.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2025, 5, 5, 9);
const client = entity("client", { keys: { client_id: string() } });
const payments = source("payments", {
  table: "shop.payments",
  columns: {
    id: int64("id"),
    client_id: string("client_id"),
    amount: float64("amount").nullable(),
    paid_at: timestamp("paid_at"),
  },
  primaryKey: ["id"],
  eventTime: "paid_at",
});
const activity = featureView("activity", {
  entity: client,
  source: payments,
  features: { n_7d: count().over("7d"), total_7d: sum(payments.amount).over("7d") },
});

/** Writes payments, one an hour, whose times count the unit. The third pays the first again. */
function writePayments(path: string, perMillisecond: number): void {
  const lines = [
    [1, 10],
    [2, 20],
    [1, 15],
  ].map(([id, amount], offset) => {
    const at = START + offset * HOUR;
    const after = { id, client_id: "c-1", amount, paid_at: Math.floor(at * perMillisecond) };
    return JSON.stringify({
      topic: "shop.shop.payments",
      partition: 0,
      offset,
      timestamp: at + 100,
      key: JSON.stringify({ id }),
      value: JSON.stringify({
        before: null,
        after,
        source: {
          ts_ms: at,
          db: "shop",
          table: "payments",
          file: "binlog.000003",
          pos: 1000 + offset * 100,
          row: 0,
        },
        op: offset < 2 ? "c" : "u",
      }),
      headers: {},
    });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
}

const units: readonly (readonly [TimeUnit, number])[] = [
  ["ms", 1],
  ["s", 1e-3],
  ["days", 1 / 86_400_000],
];

test.each(units)("a source in %s ends the run, and a retry takes it", async (unit, factor) => {
  await inFolder(async (folder) => {
    const path = topicPath(folder);
    writePayments(path, factor);
    const store = await openStore({
      definitions: { activity },
      ...keepingStores(realStores(folder)),
    });
    const untold = recordedTopic(path, { onWarning: () => undefined });
    await expect(store.run(untold, { onNotTaken: () => undefined })).rejects.toMatchObject({
      code: "SOURCE_UNREADABLE",
      message: expect.stringContaining(`--time-unit shop.payments.paid_at=${unit}`) as string,
    });
    const times = { "shop.payments.paid_at": unit } as const;
    expect(await store.retry(recordedTopic(path, { times }))).toEqual({
      messages: 3,
      taken: 3,
      notTaken: [],
    });
    // the next run reads the log to its end, so that the source is ready
    await store.run(recordedTopic(path, { times }));
    const asked = { client_id: "c-1", event_timestamp: micros((START + 48 * HOUR) * 1000) };
    const online = await store.getOnlineFeatures({
      features: activity,
      entity: { client_id: "c-1" },
      asOf: asked.event_timestamp,
    });
    const history = await store.getHistoricalFeatures({ features: activity, entities: [asked] });
    expect(online).toMatchObject({ n_7d: 2, total_7d: 35 });
    expect(await history.rows()).toMatchObject([{ n_7d: 2, total_7d: 35 }]);
    await store.close();
  });
});
