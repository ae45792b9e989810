/** Tests that no valid log is told of a wrong primary key, whatever the key of its messages. */
import { commitTime, openStore, source, string } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { debeziumDecoder, recordedTopic } from "@tidemark/source-debezium";
import { generateScenario, scenarioDefinitions, seedsFromEnvironment } from "@tidemark/testkit";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { inFolder, keepingStores, topicPath } from "../src/real-stores.ts";

const { seeds } = seedsFromEnvironment({ runs: 60 });

interface Line {
  readonly key: string | null;
}

/** The line with other names of columns in its key, as message.key.columns gives them. */
function renamedKey(line: string): string {
  const read = JSON.parse(line) as Line;
  if (read.key === null) return line;
  const key = JSON.parse(read.key) as { readonly payload?: object } & object;
  const renamed = (columns: object): object =>
    Object.fromEntries(Object.entries(columns).map(([name, value]) => [`other ${name}`, value]));
  const text = JSON.stringify("payload" in key ? renamed(key.payload!) : renamed(key));
  return JSON.stringify({ ...read, key: text });
}

describe.each([
  ["as Debezium writes them", (line: string) => line],
  ["of other columns", renamedKey],
] as const)("keys of messages %s", (_, written) => {
  test.each([...seeds])("are no reason to tell of the primary key, seed %i", async (seed) => {
    // Without its delete, a tombstone under another key names no row.
    const scenario = generateScenario(seed, { traits: { tombstones: false } });
    await inFolder(async (folder) => {
      writeFileSync(topicPath(folder), `${scenario.lines.map(written).join("\n")}\n`);
      const store = await openStore({
        definitions: scenarioDefinitions(scenario),
        ...keepingStores({ online: memoryOnlineStore(), offline: memoryOfflineStore() }),
      });
      try {
        const decoder = debeziumDecoder({});
        const { changes, notTaken } = await store.run(
          recordedTopic(topicPath(folder), { decoder, onWarning: () => undefined }),
          { mismatch: "ignore", onNotTaken: () => undefined, onMismatch: () => undefined },
        );
        expect(changes > 0).toBe(scenario.lines.length > 0);
        expect(notTaken.filter(({ kind }) => kind === "miskeyed")).toEqual([]);
      } finally {
        await store.close();
      }
    });
  });
});

test("a recorded table of which another column is declared as the key is told", async () => {
  const payments = source("payments", {
    table: "public.transaction_data",
    columns: { user_id: string("User ID") },
    primaryKey: ["user_id"],
    eventTime: commitTime(),
  });
  const store = await openStore({
    definitions: { payments },
    ...keepingStores({ online: memoryOnlineStore(), offline: memoryOfflineStore() }),
  });
  const fixtures = new URL("../../packages/source-debezium/test/fixtures/", import.meta.url);
  const topic = new URL("multi.public.transaction_data.jsonl", fixtures);
  const { notTaken } = await store.run(
    recordedTopic(fileURLToPath(topic), { decoder: debeziumDecoder() }),
    { mismatch: "ignore", onNotTaken: () => undefined, onMismatch: () => undefined },
  );
  const told = notTaken.find(({ reason }) => reason === "PRIMARY_KEY_NOT_UNIQUE");
  expect(told?.first.message).toContain('{"id":1} and {"id":8}');
  await store.close();
});
