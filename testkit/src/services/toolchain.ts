/**
 * Finds the programs of the services on this system, and downloads others once into
 * .tidemark/services.
 */
import { execFile, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const KAFKA = "4.3.1";
const DEBEZIUM = "3.6.1.Final";
const LOG4J = "2.25.4";
const TRINO = "476";
/**
 * The versions of Delta for the Spark of scripts/python-requirements.txt, and of its Hadoop's S3
 * client in single jars. The whole bundle has half a GB.
 */
const SPARK = "4.2";
const DELTA = "4.4.0";
const HADOOP = "3.5.0";
const AWS = "2.35.4";
const ACCELERATOR = "1.3.1";
/** The plugin that reads Delta tables. All fifty plugins are five times as large. */
const TRINO_PLUGINS: readonly string[] = ["delta-lake"];

/** The folder of the programs that tests download. */
export const servicesFolder = join(
  fileURLToPath(new URL("../../..", import.meta.url)),
  ".tidemark",
  "services",
);
/** The jars of a Kafka broker and a Connect worker. */
export const kafkaJars = join(servicesFolder, `kafka-${KAFKA}`);
/** A `plugin.path` with Debezium's connector for PostgreSQL. */
export const connectPlugins = join(servicesFolder, `debezium-${DEBEZIUM}`);
/** The folder with Trino's `lib` and `plugin`. */
export const trinoHome = join(servicesFolder, `trino-${TRINO}`);

/** The jars that Spark needs to read Delta tables in S3. */
export const sparkJars = join(servicesFolder, `spark-${SPARK}-delta-${DELTA}`);

const run = promisify(execFile);

/**
 * Returns the folder of PostgreSQL's programs; null if it is not installed. TIDEMARK_POSTGRES names
 * a folder.
 */
export function postgresPrograms(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    process.env["TIDEMARK_POSTGRES"],
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  return (
    folders.find(
      (folder) =>
        folder !== undefined &&
        existsSync(join(folder, "postgres")) &&
        existsSync(join(folder, "initdb")),
    ) ?? null
  );
}

/** Returns whether this machine has Java 17 or newer. */
export function hasJava(): boolean {
  // `java -version` writes to the error output.
  return (
    Number(
      /version "(\d+)/.exec(
        spawnSync("java", ["-version"], { encoding: "utf8" }).stderr ?? "",
      )?.[1],
    ) >= 17
  );
}

/**
 * Returns the home of a Java that Trino runs on, 24 or newer; null if there is none. TIDEMARK_JDK
 * names one.
 */
export function trinoJava(): string | null {
  const installed = "/usr/lib/jvm";
  const homes = [
    process.env["TIDEMARK_JDK"],
    process.env["JAVA_HOME"],
    ...(existsSync(installed) ? readdirSync(installed).map((name) => join(installed, name)) : []),
  ];
  const version = (path: string): number =>
    Number(
      /^JAVA_VERSION="(\d+)/m.exec(
        existsSync(join(path, "release")) ? readFileSync(join(path, "release"), "utf8") : "",
      )?.[1] ?? 0,
    );
  return homes.find((path) => path !== undefined && path !== "" && version(path) >= 24) ?? null;
}

/** Returns whether this machine has Maven. */
export function hasMaven(): boolean {
  return spawnSync("mvn", ["-v"]).status === 0;
}

/**
 * Returns null if everything is installed; otherwise what is missing and the command that installs
 * it.
 */
export function missingForKafka(): string | null {
  if (!hasJava()) return "no Java 17 or newer; install one";
  return existsSync(kafkaJars) && existsSync(connectPlugins)
    ? null
    : "no Kafka; `npm run setup:services` brings it";
}

/** Returns null if Trino can run; otherwise what is missing. */
export function missingForTrino(): string | null {
  if (trinoJava() === null)
    return (
      "no Java 24 or newer for Trino; " +
      "install one, and name its folder in TIDEMARK_JDK where it is not under /usr/lib/jvm"
    );
  return existsSync(trinoHome) ? null : "no Trino; `npm run setup:services` brings it";
}

/** Returns null if PostgreSQL is installed; otherwise what is missing. */
export function missingForPostgres(): string | null {
  return postgresPrograms() === null
    ? "no PostgreSQL; install it, or name the folder of its programs in TIDEMARK_POSTGRES"
    : null;
}

/**
 * Downloads Kafka, Connect and Debezium from Maven Central, with the machine's Maven and its
 * settings.
 */
export async function downloadKafka(): Promise<void> {
  await downloadOnce(kafkaJars, async (folder) => {
    const artifacts = [
      ["org.apache.kafka", "kafka_2.13", KAFKA],
      ["org.apache.kafka", "connect-runtime", KAFKA],
      ["org.apache.kafka", "connect-json", KAFKA],
      ["org.apache.kafka", "connect-transforms", KAFKA],
      ["org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J],
    ];
    const dependencies = artifacts.map(
      ([group, artifact, version]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
        `<version>${version}</version></dependency>`,
    );
    await copyDependencies(folder, dependencies);
  });
  await downloadOnce(connectPlugins, async (folder) => {
    const artifact = `io.debezium:debezium-connector-postgres:${DEBEZIUM}:tar.gz:plugin`;
    await maven(
      ["dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
      folder,
    );
    const archive = readdirSync(folder).find((name) => name.endsWith(".tar.gz"))!;
    await run("tar", ["-xzf", archive], { cwd: folder });
    rmSync(join(folder, archive));
  });
}

/** Downloads Trino from Maven Central: 820 MB, of which 380 MB stay. */
export async function downloadTrino(): Promise<void> {
  await downloadOnce(trinoHome, async (folder) => {
    // a separate repository, or the archive would stay twice on the disk
    await maven(
      [
        "dependency:copy",
        `-Dartifact=io.trino:trino-server:${TRINO}:tar.gz`,
        `-DoutputDirectory=${folder}`,
        `-Dmaven.repo.local=${join(folder, "m2")}`,
      ],
      folder,
    );
    const archive = readdirSync(folder).find((name) => name.endsWith(".tar.gz"))!;
    rmSync(join(folder, "m2"), { recursive: true });
    await run("tar", ["-xzf", archive, "--strip-components=1"], { cwd: folder });
    rmSync(join(folder, archive));
    // plugins share jars by hard links, so the unwanted ones are removed after unpacking
    for (const plugin of readdirSync(join(folder, "plugin")))
      if (!TRINO_PLUGINS.includes(plugin))
        rmSync(join(folder, "plugin", plugin), { recursive: true });
  });
}

/** Downloads the jars that Spark needs besides its own (23 MB) from Maven Central. */
export async function downloadSparkJars(): Promise<void> {
  await downloadOnce(sparkJars, async (folder) => {
    const alone = (group: string, artifact: string, version: string, without = ["*:*"]): string =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version><exclusions>${without
        .map(
          (one) =>
            `<exclusion><groupId>${one.split(":")[0]}</groupId>` +
            `<artifactId>${one.split(":")[1]}</artifactId></exclusion>`,
        )
        .join("")}</exclusions></dependency>`;
    // Spark has these itself
    const sdk = ["s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client"].map(
      (name) =>
        alone("software.amazon.awssdk", name, AWS, [
          "io.netty:*",
          "org.slf4j:*",
          "commons-codec:*",
          "commons-logging:*",
        ]),
    );
    await copyDependencies(folder, [
      alone("io.delta", `delta-spark_${SPARK}_2.13`, DELTA),
      alone("io.delta", "delta-storage", DELTA),
      alone("org.apache.hadoop", "hadoop-aws", HADOOP),
      alone("software.amazon.s3.analyticsaccelerator", "analyticsaccelerator-s3", ACCELERATOR),
      ...sdk,
    ]);
  });
}

async function copyDependencies(folder: string, dependencies: readonly string[]): Promise<void> {
  writeFileSync(
    join(folder, "pom.xml"),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tidemark</groupId><artifactId>services</artifactId><version>1</version>
<packaging>pom</packaging>
<dependencies>${dependencies.join("\n")}</dependencies></project>\n`,
  );
  await maven(
    ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`],
    folder,
  );
}

async function maven(args: readonly string[], cwd: string): Promise<void> {
  await run("mvn", ["-q", "-B", ...args], { cwd, maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`mvn ${args.join(" ")} failed:\n${error.stdout ?? ""}${error.stderr ?? ""}`, {
        cause: error,
      });
    },
  );
}

/**
 * Makes a folder under a temporary name and renames it. A half-made folder never appears under its
 * name.
 */
export async function downloadOnce(
  folder: string,
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  mkdirSync(servicesFolder, { recursive: true });
  const temporary = mkdtempSync(join(servicesFolder, "downloading-"));
  try {
    await make(temporary);
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
