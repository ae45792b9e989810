/**
 * A program of a user. The check `install` compiles it against the packed packages, with the least
 * TypeScript that they need and with `strict: false`.
 */
import { s3Objects } from "@tidemark/adapter-minio";
import { postgresOnlineStore } from "@tidemark/adapter-postgres";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { registerTables } from "@tidemark/catalog-trino";
import { defineConfig, env } from "@tidemark/cli";
import { createClient } from "@tidemark/client";
import { openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { featureServer } from "@tidemark/server";
import { kafkaChanges, recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";

/** Compiles only where the two types are one. */
const exactly =
  <T>() =>
  <U>(_value: [T] extends [U] ? ([U] extends [T] ? U : never) : never): void =>
    undefined;

const { fraud, weekly } = definitions;

export async function program(): Promise<void> {
  const store = await openStore({
    definitions,
    online: sqliteOnlineStore("online.db"),
    offline: deltaOfflineStore(localObjects("lake")),
  });
  await openStore({ definitions, online: postgresOnlineStore({ host: "db.internal" }) });
  await store.run(recordedTopic("transactions.jsonl"));
  await store.run(kafkaChanges({ brokers: ["localhost:9092"], topics: /^bank\./ }));

  const row = await store.getOnlineFeatures({ features: fraud, entity: { user_id: "u" } });
  exactly<number>()<typeof row.num>(row.num);
  exactly<number>()<typeof row.total>(row.total);
  exactly<number | null>()<typeof row.most>(row.most);
  exactly<number | null>()<typeof row.mean_1d>(row.mean_1d);
  exactly<string | null>()<typeof row.last_card>(row.last_card);
  // @ts-expect-error a misspelt feature
  void row.totl;
  // @ts-expect-error a misspelt key
  await store.getOnlineFeatures({ features: fraud, entity: { user: "u" } });
  // @ts-expect-error a key of another type
  await store.getOnlineFeatures({ features: fraud, entities: [{ user_id: 5 }] });
  // @ts-expect-error one entity or a list of them
  await store.getOnlineFeatures({ features: fraud, entity: { user_id: "u" }, entities: [] });
  const told = await store.getOnlineFeatures({
    features: fraud,
    entities: [{ user_id: "u" }],
    metadata: true,
  });
  exactly<string>()<typeof told.asOf>(told.asOf);
  exactly<number>()<(typeof told.rows)[0]["num"]["value"]>(told.rows[0].num.value);

  const entities = [{ user_id: "u", event_timestamp: "2025-06-14T09:30:00Z", fraud: false }];
  for await (const one of await store.getHistoricalFeatures({ features: weekly, entities })) {
    exactly<boolean>()<typeof one.fraud>(one.fraud);
    exactly<number>()<typeof one.num>(one.num);
  }

  const client = createClient<typeof definitions>({ url: "http://127.0.0.1:6570" });
  const asked = await client.getOnlineFeatures({ features: weekly, entities: [{ user_id: "u" }] });
  exactly<number>()<(typeof asked)[0]["num"]>(asked[0].num);

  const server = await featureServer({ store, definitions });
  server.app.get("/ready", () => "yes");
  await registerTables({ url: "http://trino:8080", catalog: "lake", schema: "bank", tables: [] });
}

export default defineConfig({
  definitions,
  secrets: { s3: env("S3_SECRET") },
  offline: ({ secrets }) =>
    deltaOfflineStore(
      s3Objects({
        bucket: "lake",
        credentials: { accessKeyId: "bank", secretAccessKey: secrets.s3 },
      }),
    ),
});
