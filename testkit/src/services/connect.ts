/** Starts a Kafka Connect worker with Debezium's connector for PostgreSQL. */
import { join } from "node:path";
import { images } from "./images.ts";
import { environmentName, javaArguments, writeProperties } from "./java.ts";
import type { Network } from "./network.ts";
import { dataFolder, freePorts, processService } from "./process.ts";
import type { Service } from "./service.ts";
import { connectPlugins } from "./toolchain.ts";

/** A running Kafka Connect worker. */
export interface Connect extends Service {
  /** The address of its REST API. */
  readonly url: string;
}

/** The options of a worker. */
export interface ConnectOptions {
  /** The brokers as the worker reaches them. */
  readonly brokers: readonly string[];
  /** Further properties of the worker. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
  /** The network of the container. Default: the worker is a process. */
  readonly network?: Network | undefined;
}

const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";
const TOPICS = { config: "connect-configs", offset: "connect-offsets", status: "connect-status" };

/** Starts a worker. */
export async function startConnect({
  brokers,
  settings = {},
  network,
}: ConnectOptions): Promise<Connect> {
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const properties = {
    "offset.storage.partitions": 5,
    "offset.flush.interval.ms": 1000,
    "task.shutdown.graceful.timeout.ms": 3000,
    ...settings,
  };
  const ready = (): Promise<boolean> =>
    fetch(`${url}/connectors`).then(
      ({ ok }) => ok,
      () => false,
    );
  if (network !== undefined) {
    const running = await network.container({
      name: "connect",
      image: images.connect,
      ports: [{ container: 8083, host: port }],
      ready,
      env: {
        BOOTSTRAP_SERVERS: brokers.join(","),
        GROUP_ID: "tidemark-connect",
        CONFIG_STORAGE_TOPIC: TOPICS.config,
        OFFSET_STORAGE_TOPIC: TOPICS.offset,
        STATUS_STORAGE_TOPIC: TOPICS.status,
        KEY_CONVERTER: JSON_CONVERTER,
        VALUE_CONVERTER: JSON_CONVERTER,
        HEAP_OPTS: "-Xmx512m",
        ...Object.fromEntries(
          Object.entries(properties).map(([name, value]) => [
            environmentName("CONNECT", name),
            value,
          ]),
        ),
      },
    });
    return { ...running, url };
  }
  const folder = dataFolder("connect");
  const file = join(folder, "connect.properties");
  writeProperties(file, {
    "bootstrap.servers": brokers.join(","),
    "group.id": "tidemark-connect",
    "key.converter": JSON_CONVERTER,
    "value.converter": JSON_CONVERTER,
    "config.storage.topic": TOPICS.config,
    "offset.storage.topic": TOPICS.offset,
    "status.storage.topic": TOPICS.status,
    "config.storage.replication.factor": 1,
    "offset.storage.replication.factor": 1,
    "status.storage.replication.factor": 1,
    listeners: url,
    "plugin.path": connectPlugins,
    "plugin.discovery": "service_load",
    ...properties,
  });
  const running = await processService({
    name: "connect",
    prepare: async () => undefined,
    command: "java",
    args: javaArguments(folder, "org.apache.kafka.connect.cli.ConnectDistributed", [file], 512),
    folder,
    ready,
  });
  return { ...running, url };
}
