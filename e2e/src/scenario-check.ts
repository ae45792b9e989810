/** Checks the training set of a generated scenario with Trino. */
import { s3Objects } from "@tidemark/adapter-minio";
import {
  checkTrainingSet,
  historyTables,
  registerTables,
  type CatalogSchema,
  type TrainingSetCheck,
} from "@tidemark/catalog-trino";
import { selectedFeatures, type EntityColumns, type Knowledge, type Store } from "@tidemark/core";
import {
  entityRowsOf,
  keysNeeded,
  selectionFrom,
  sourcesOf,
  type EntityRowsInput,
} from "@tidemark/core/internal";
import { batchOf, type ColumnSpec, type OfflineStore } from "@tidemark/core/spi";
import { feed, type Scenario } from "@tidemark/testkit";
import type { OwnBucket } from "@tidemark/testkit/services/shared";
import { localEngine } from "../../packages/core/src/engine/local-engine.ts";
import { openOfflineReader } from "../../packages/core/src/offline/offline-reader.ts";
import { trainingSet } from "../../packages/core/src/offline/training-set.ts";
import { inFolder, realStores, scenarioTopic } from "./real-stores.ts";

/** Writes the scenario into the bucket, and checks all its features at all its requests. */
export async function checkScenario(
  scenario: Scenario,
  { bucket, ...minio }: OwnBucket,
  trino: CatalogSchema,
): Promise<Readonly<Record<Knowledge, TrainingSetCheck>>> {
  return inFolder(async (folder) => {
    const prefix = `lake-${scenario.seed}`;
    const stores = realStores(folder, {}, s3Objects({ ...minio, bucket, prefix }));
    await feed(scenario, stores, {}, scenarioTopic(folder, scenario));
    const written: string[] = [];
    for (const { name } of scenario.sources)
      if ((await stores.offline.state(`${name}/versions`)) !== null) written.push(name);
    const tables = historyTables(written, `s3://${bucket}/${prefix}`);
    await registerTables({
      ...trino,
      tables: tables.filter(({ table }) => table.endsWith("_versions")),
    });
    const check = (knowledge: Knowledge): Promise<TrainingSetCheck> =>
      checkTrainingSet({
        ...trino,
        store: readerOf(stores.offline),
        features: selectionFrom(scenario.selected),
        entities: requestsOf(scenario),
        knowledge,
      });
    const checks = {
      "as-corrected": await check("as-corrected"),
      "as-known": await check("as-known"),
    };
    await stores.online.close();
    await stores.offline.close();
    return checks;
  });
}

/** Answers from a history that is compacted. The definitions of a scenario are data. */
function readerOf(offline: OfflineStore): Pick<Store, "compact" | "getHistoricalFeatures"> {
  const reader = openOfflineReader(offline, localEngine());
  const reads = {
    async getHistoricalFeatures(request: {
      readonly features: Parameters<typeof selectedFeatures>[0];
      readonly entities: EntityRowsInput;
      readonly knowledge: Knowledge;
    }) {
      const { knowledge } = request;
      const selection = selectedFeatures(request.features);
      const needed = keysNeeded(selection);
      return trainingSet({
        entityRows: await entityRowsOf(request.entities, needed, selection.length),
        selection,
        metadata: false,
        coverage: Object.fromEntries(
          [...(await reader.coverage(sourcesOf(selection)))].map(([name, since]) => [
            name,
            { knownSince: since === null ? null : String(since) },
          ]),
        ),
        answer: ({ keys, times }) =>
          reader.read({ selection, keys, times, knowledge, since: null }),
      });
    },
    compact: () => Promise.resolve(),
  };
  return reads as unknown as ReturnType<typeof readerOf>;
}

function requestsOf({ selected, requests }: Scenario): EntityColumns {
  const needed = keysNeeded(selected);
  const time: ColumnSpec = {
    name: "event_timestamp",
    database: "event_timestamp",
    type: "timestamp",
    nullable: false,
  };
  const columns = [...needed, time];
  const rows = requests.map((one) => [
    ...needed.map(({ name }) => one.keys[name] ?? null),
    one.time,
  ]);
  return {
    columns,
    async *batches() {
      yield batchOf(columns, rows);
    },
  };
}
