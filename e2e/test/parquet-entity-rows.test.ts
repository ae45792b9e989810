import {
  count,
  entity,
  featureView,
  float64,
  int64,
  max,
  openStore,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { readParquet, writeParquet } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder, realStores } from "../src/real-stores.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly_activity", {
  entity: user,
  source: payments,
  features: {
    num_l1w: count().over("7d"),
    total_l1w: sum(payments.amount).over("7d"),
    max_l1w: max(payments.amount).over("7d"),
  },
});
const topic = join(import.meta.dirname, "../../docs/examples/transactions.jsonl");
const labels = [
  {
    user_id: "user_000066",
    event_timestamp: "2025-06-14T09:30:00.000001Z",
    fraud: true,
    weight: 0.5,
  },
  { user_id: "nobody", event_timestamp: "2025-06-14T09:30:00Z", fraud: false, weight: 1 },
  {
    user_id: "user_000066",
    event_timestamp: "2025-06-14T09:30:00.000001Z",
    fraud: true,
    weight: 0.25,
  },
];

test("labels in a Parquet file become a training set in a Parquet file, row for row", async () => {
  await inFolder(async (folder) => {
    const store = await openStore({ definitions: { weekly }, offline: realStores(folder).offline });
    await store.run(recordedTopic(topic));
    const fromArray = await (
      await store.getHistoricalFeatures({ features: weekly, entities: labels })
    ).rows();
    expect(fromArray.map(({ user_id, num_l1w }) => [user_id, num_l1w])).toEqual([
      ["user_000066", 3],
      ["nobody", 0],
      ["user_000066", 3],
    ]);

    const frame = join(folder, "labels.parquet");
    const again = await store.getHistoricalFeatures({ features: weekly.num_l1w, entities: labels });
    expect(await writeParquet(frame, again)).toBe(3);
    const file = await readParquet(frame, {
      columns: ["user_id", "event_timestamp", "fraud", "weight"],
    });
    const out = join(folder, "training.parquet");
    expect(
      await writeParquet(
        out,
        await store.getHistoricalFeatures({ features: weekly, entities: file }),
      ),
    ).toBe(3);

    const written = await readParquet(out);
    expect(written.columns.map((column) => `${column.name} ${column.type}`)).toEqual([
      "user_id string",
      "event_timestamp timestamp",
      "fraud boolean",
      "weight float64",
      "num_l1w int64",
      "total_l1w float64",
      "max_l1w float64",
    ]);
    const rows = await (
      await store.getHistoricalFeatures({ features: weekly, entities: file })
    ).rows();
    expect(rows.map((row) => [row.num_l1w, row.total_l1w, row.max_l1w])).toEqual(
      fromArray.map((row) => [row.num_l1w, row.total_l1w, row.max_l1w]),
    );
    await store.close();
  });
});

test("a Parquet file without event_timestamp or a key is refused with its columns", async () => {
  await inFolder(async (folder) => {
    const store = await openStore({ definitions: { weekly }, offline: realStores(folder).offline });
    const training = await store.getHistoricalFeatures({ features: weekly, entities: labels });
    const file = join(folder, "training.parquet");
    await writeParquet(file, training);
    const withoutTime = await readParquet(file, { columns: ["user_id", "fraud"] });
    await expect(
      store.getHistoricalFeatures({ features: weekly, entities: withoutTime }),
    ).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringContaining("event_timestamp is missing (there are user_id, fraud)"),
    });
    const withoutKey = await readParquet(file, { columns: ["event_timestamp"] });
    await expect(
      store.getHistoricalFeatures({ features: weekly, entities: withoutKey }),
    ).rejects.toMatchObject({
      code: "KEY_INVALID",
      message: expect.stringContaining("user_id is missing"),
    });
    await store.close();
  });
});
