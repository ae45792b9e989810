/**
 * Starts a Trino over the Delta tables of a lake. `CALL lake.system.register_table` names the
 * tables of the catalog `lake`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProperties } from "./java.ts";
import type { Minio } from "./minio.ts";
import type { Network } from "./network.ts";
import { dataFolder, freePorts, processService } from "./process.ts";
import type { Service } from "./service.ts";
import { missingForTrino, trinoHome, trinoJava } from "./toolchain.ts";
import { startTrinoContainer, trinoAnswers } from "./trino-container.ts";

/** A running Trino. */
export interface Trino extends Service {
  /** The address for statements, which accepts every user. */
  readonly url: string;
}

/** The options of a Trino. */
export interface TrinoOptions {
  /** The MinIO whose buckets the catalog reads. */
  readonly minio: Minio;
  /** The network of the container, shared with MinIO. Default: Trino is a process. */
  readonly network?: Network | undefined;
}

/**
 * Writes the catalog. Its own records lie in a folder, which `local://` names; the tables lie in
 * MinIO.
 */
function lakeCatalog(
  folder: string,
  { endpoint, region, credentials }: Minio,
): Readonly<Record<string, string>> {
  return {
    "connector.name": "delta_lake",
    "hive.metastore": "file",
    "hive.metastore.catalog.dir": "local:///metastore",
    "fs.native-local.enabled": "true",
    "local.location": folder,
    "delta.register-table-procedure.enabled": "true",
    "fs.native-s3.enabled": "true",
    "s3.endpoint": endpoint,
    "s3.region": region,
    "s3.path-style-access": "true",
    "s3.aws-access-key": credentials.accessKeyId,
    "s3.aws-secret-key": credentials.secretAccessKey,
  };
}

const JVM = [
  "-Xmx1500m",
  "-XX:+UseG1GC",
  "-XX:+ExitOnOutOfMemoryError",
  "-Djdk.attach.allowAttachSelf=true",
  "-XX:+EnableDynamicAgentLoading",
  "--enable-native-access=ALL-UNNAMED",
  "--sun-misc-unsafe-memory-access=allow",
];

/** Starts Trino, which is ready when a query over the catalog answers. */
export async function startTrino({ minio, network }: TrinoOptions): Promise<Trino> {
  if (network !== undefined) return startTrinoContainer({ network, minio });
  const missing = missingForTrino();
  if (missing !== null) throw new Error(`trino: ${missing}`);
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const folder = dataFolder("trino");
  const [config, levels, catalogs, data] = [
    "config.properties",
    "log.properties",
    "catalog",
    "data",
  ].map((name) => join(folder, name)) as [string, string, string, string];
  for (const made of [catalogs, data]) mkdirSync(made);
  writeProperties(config, {
    coordinator: "true",
    "node-scheduler.include-coordinator": "true",
    "node.environment": "tidemark",
    "node.id": "one",
    "node.bind-ip": "127.0.0.1",
    "node.internal-address": "127.0.0.1",
    "http-server.http.port": port,
    "discovery.uri": url,
    "catalog.config-dir": catalogs,
    "plugin.dir": join(trinoHome, "plugin"),
  });
  writeProperties(join(catalogs, "lake.properties"), lakeCatalog(data, minio));
  writeFileSync(
    levels,
    "io.trino=WARN\nBootstrap=WARN\norg.eclipse.jetty=WARN\norg.hibernate=WARN\nio.airlift=WARN\n",
  );
  const running = await processService({
    name: "trino",
    command: join(trinoJava()!, "bin", "java"),
    args: [
      ...JVM,
      `-Dconfig=${config}`,
      `-Dlog.levels-file=${levels}`,
      "-cp",
      join(trinoHome, "lib", "*"),
      "io.trino.server.TrinoServer",
    ],
    folder,
    cwd: folder,
    readyTimeout: 240,
    ready: () => trinoAnswers(url),
  });
  return { ...running, url };
}
