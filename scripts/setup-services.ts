/**
 * `npm run setup:services`: the programs of the services that tests run against, in .tidemark/services.
 * MinIO is compiled from its Go module, which takes minutes, so only CI makes it unasked; without it the tests that need it are skipped by name (tools/needs.ts).
 */
import { buildMinio, goProgram, minioProgram } from "../services/src/minio.ts";

async function minio(): Promise<void> {
  if (minioProgram() !== null) return;
  const go = await goProgram();
  if (go === null) throw new Error("MinIO is built with Go, and there is none on the PATH; install Go 1.24 or newer, or name a minio in TIDEMARK_MINIO");
  const started = performance.now();
  console.log("tidemark: building MinIO, about four minutes on two cores …");
  await buildMinio(go);
  console.log(`tidemark: MinIO in .tidemark/services (${((performance.now() - started) / 1000).toFixed(0)} s)`);
}

for (const setUp of [minio]) {
  await setUp().catch((error: unknown) => {
    console.error(`tidemark: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
