/**
 * Fills the online store of a folder from a history in a bucket, and dies at the n-th moment before
 * or after a commit.
 */
import { s3Objects, type S3ObjectsOptions } from "@tidemark/adapter-minio";
import { openStore } from "@tidemark/core";
import { generateScenario, scenarioDefinitions, type ScenarioOptions } from "@tidemark/testkit";
import { keepingStores, realStores } from "../../src/real-stores.ts";

interface Settings {
  readonly folder: string;
  readonly seed: number;
  readonly traits: ScenarioOptions["traits"];
  readonly bucket: S3ObjectsOptions;
  readonly dieAt: number;
}

const { folder, seed, traits, bucket, dieAt } = JSON.parse(process.argv[2]!) as Settings;
let moments = 0;
const sqlite = (): void => {
  if (++moments === dieAt) process.kill(process.pid, "SIGKILL");
};
const store = await openStore({
  definitions: scenarioDefinitions(generateScenario(seed, { traits })),
  ...keepingStores(realStores(folder, { sqlite }, s3Objects(bucket))),
});
await store.backfill({ batchRows: 5 });
await store.close();
process.exit(0);
