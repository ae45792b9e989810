/**
 * Tests that a training set over HTTP has the store's values, row for row, on generated definitions
 * and logs (law 3: one answer, law 8: row for row).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectDefinitions, micros, openStore } from "@tidemark/core";
import { batchOf, valueAt, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { memoryOfflineStore } from "@tidemark/core/testing";
import * as delta from "@tidemark/delta";
import { featureServer } from "@tidemark/server";
import {
  generateScenario,
  requestKeys,
  scenarioDefinitions,
  scenarioSource,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { afterAll, expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "tidemark-http-store-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const file = join(directory, "rows.parquet");

/** The columns of a Parquet file by name, in the order of the rows. */
async function columnsOf(bytes: Buffer): Promise<ReadonlyMap<string, readonly Value[]>> {
  writeFileSync(file, bytes);
  const found = new Map<string, Value[]>();
  for await (const { length, columns, vectors } of await delta.readParquet(file))
    columns.forEach(({ name }, c) => {
      const values = found.get(name) ?? [];
      for (let i = 0; i < length; i++) values.push(valueAt(vectors[c]!, i));
      found.set(name, values);
    });
  return found;
}

function jsonOf(key: unknown): string {
  if (typeof key === "bigint") return String(key);
  return JSON.stringify(
    key instanceof Uint8Array
      ? Buffer.from(key).toString("base64")
      : key instanceof Date
        ? key.toISOString()
        : key,
  );
}

const { seeds } = seedsFromEnvironment({ runs: 24, least: 4 });

test.each(seeds)("seed %i", async (seed) => {
  const scenario = generateScenario(seed, { requests: 30, everyAggregation: seed % 2 === 0 });
  const definitions = scenarioDefinitions(scenario);
  const store = await openStore({ definitions, offline: memoryOfflineStore() });
  await store.run(scenarioSource(scenario), { mismatch: 1 });
  const server = await featureServer({ store, definitions, trainingSets: { parquet: delta } });
  const features = collectDefinitions(definitions).services.get("all")!.features;
  const keys = scenario.requests.map((request) => requestKeys(scenario, request));
  const keyColumns = [
    ...new Map(
      scenario.selected.flatMap(({ view }) => view.entity.keys).map((key) => [key.name, key]),
    ).values(),
  ];
  const columns: ColumnSpec[] = [
    { name: "row", database: "row", type: "int64", nullable: false },
    ...keyColumns,
    { name: "event_timestamp", database: "event_timestamp", type: "timestamp", nullable: false },
  ];
  await delta.writeParquet(file, {
    columns,
    batches: [
      batchOf(
        columns,
        scenario.requests.map((request, i) => [
          BigInt(i),
          ...keyColumns.map(({ name }) => request.keys[name]!),
          request.time,
        ]),
      ),
    ],
  });
  const bodies = {
    parquet: readFileSync(file),
    jsonl: scenario.requests
      .map((request, i) => {
        const members = Object.entries(keys[i]!).map(
          ([name, key]) => `${JSON.stringify(name)}:${jsonOf(key)}`,
        );
        return `{"row":${i},${members.join(",")},"event_timestamp":${request.time}}`;
      })
      .join("\n"),
  };
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const expected = await store.getHistoricalFeatures({
      features: definitions.all,
      entities: scenario.requests.map((request, i) => ({
        ...keys[i]!,
        event_timestamp: micros(request.time),
      })),
      knowledge,
    });
    await delta.writeParquet(file, expected);
    const values = await columnsOf(readFileSync(file));
    for (const payload of Object.values(bodies)) {
      const answer = await server.app.inject({
        method: "POST",
        url: `/v1/training-set?features=all&knowledge=${knowledge}&timeUnit=us&wait=60s`,
        payload,
        headers: { "content-type": "application/octet-stream" },
      });
      expect(answer.statusCode, answer.body).toBe(200);
      const found = await columnsOf(answer.rawPayload);
      expect(found.get("row")).toEqual(scenario.requests.map((_, i) => BigInt(i)));
      for (const { as } of features)
        expect([as, found.get(as)]).toStrictEqual([as, values.get(as)]);
    }
  }
  await server.close();
  await store.close();
});
