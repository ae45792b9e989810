/** A Kafka Connect worker with Debezium's connector for PostgreSQL. */
import { join } from "node:path";
import { javaArguments, writeProperties } from "./java.ts";
import { dataFolder, freePorts, type Service, service } from "./process.ts";
import { connectPlugins } from "./toolchain.ts";

export interface Connect extends Service {
  /** Of its REST API. */
  readonly url: string;
}

export async function startConnect({ brokers, settings = {} }: { readonly brokers: readonly string[]; readonly settings?: Readonly<Record<string, string | number>> }): Promise<Connect> {
  const folder = dataFolder("connect");
  const [port] = await freePorts(1) as [number];
  const file = join(folder, "connect.properties");
  const json = "org.apache.kafka.connect.json.JsonConverter";
  writeProperties(file, {
    "bootstrap.servers": brokers.join(","), "group.id": "tidemark-connect", "key.converter": json, "value.converter": json,
    "config.storage.topic": "connect-configs", "offset.storage.topic": "connect-offsets", "status.storage.topic": "connect-status",
    "config.storage.replication.factor": 1, "offset.storage.replication.factor": 1, "status.storage.replication.factor": 1, "offset.storage.partitions": 5,
    "offset.flush.interval.ms": 1000, "task.shutdown.graceful.timeout.ms": 3000, "listeners": `http://127.0.0.1:${port}`,
    "plugin.path": connectPlugins, "plugin.discovery": "service_load", ...settings,
  });
  const url = `http://127.0.0.1:${port}`;
  const running = await service({
    name: "connect", prepare: async () => undefined, command: "java", args: javaArguments(folder, "org.apache.kafka.connect.cli.ConnectDistributed", [file], 512), folder,
    ready: async () => fetch(`${url}/connectors`).then(({ ok }) => ok, () => false),
  });
  return { ...running, url };
}
