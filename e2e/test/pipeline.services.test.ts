/**
 * Tests the whole pipeline on the real programs, started once: PostgreSQL, Debezium in Kafka
 * Connect, Kafka, and the stores with their history in MinIO.
 */
import { type Pipeline, startPipeline } from "@tidemark/testkit/services";
import { afterAll, beforeAll } from "vitest";
import { minioServer, realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { BUCKET } from "../src/pipeline-run.ts";
import { faultTests } from "./pipeline/faults.ts";
import { logTests } from "./pipeline/logs.ts";
import { runnerTests } from "./pipeline/runners.ts";
import { scenarioTests } from "./pipeline/scenario.ts";

const services = { missing: realPipeline().missing ?? minioServer().missing };

suiteNeeding(services, "the real pipeline", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ runtime: "processes" });
    await pipeline.minio.createBucket(BUCKET);
  }, 300_000);
  afterAll(async () => {
    await pipeline?.stop();
  }, 120_000);

  scenarioTests(() => pipeline);
  faultTests(() => pipeline);
  runnerTests(() => pipeline);
  logTests(() => pipeline);
});
