/**
 * `npm run setup:services`: what the suites on real services need. Kafka, Connect and Debezium come from Maven into .tidemark/services (about 90 MB);
 * PostgreSQL, a Java and Maven itself are the machine's, and where apt may be used (as root, in CI) what is missing is installed.
 * Without them those suites are skipped by name (tools/needs.ts).
 */
import { downloadKafka, hasJava, hasMaven, postgresPrograms } from "../services/src/toolchain.ts";
import { run } from "./checks/step.ts";

const missing: string[] = [];
if (postgresPrograms() === null) missing.push("postgresql");
if (!hasJava()) missing.push("default-jre-headless");
if (!hasMaven()) missing.push("maven");

if (missing.length > 0 && process.getuid?.() === 0 && process.env["CI"] === "true") {
  console.log(`tidemark: installing ${missing.join(", ")} with apt …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const done = [await run("apt-get", ["update", "-q"], { env }), await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...missing], { env })];
  if (done.some(({ code }) => code !== 0)) console.error(done.map(({ output }) => output).join("\n"));
  else missing.length = 0;
}
if (missing.length > 0) {
  console.error(`tidemark: for the suites on real services, install ${missing.join(", ")} (these are Debian's names)`);
  process.exitCode = 1;
}
const started = performance.now();
try {
  await downloadKafka();
  console.log(`tidemark: Kafka, Connect and Debezium in .tidemark/services (${((performance.now() - started) / 1000).toFixed(0)} s)`);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
