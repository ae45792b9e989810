/** Starts a Kafka of one broker, which is its own controller. */
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { images } from "./images.ts";
import { environmentName, javaArguments, writeProperties } from "./java.ts";
import type { Network } from "./network.ts";
import { dataFolder, freePorts, processService } from "./process.ts";
import type { Service } from "./service.ts";

const run = promisify(execFile);

/** A running Kafka. */
export interface Kafka extends Service {
  readonly brokers: readonly string[];
  /** The address for the other services. */
  readonly inside: { readonly brokers: readonly string[] };
}

/** The options of a Kafka. */
export interface KafkaOptions {
  /** Further properties of the broker. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
  /** The network of the container. Default: Kafka is a process. */
  readonly network?: Network | undefined;
}

const SINGLE_NODE = {
  "node.id": 1,
  "process.roles": "broker,controller",
  "controller.listener.names": "CONTROLLER",
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 5,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.num.partitions": 5,
  "transaction.state.log.min.isr": 1,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.min.isr": 1,
  "group.initial.rebalance.delay.ms": 0,
  "controlled.shutdown.enable": "false",
};

/** Starts a Kafka. */
export async function startKafka({ settings = {}, network }: KafkaOptions = {}): Promise<Kafka> {
  const [port] = (await freePorts(1)) as [number];
  const running = await (network === undefined
    ? asProcess(port, settings)
    : inContainer(network, port, settings));
  const brokers = [`127.0.0.1:${port}`];
  return {
    ...running,
    brokers,
    inside: { brokers: network === undefined ? brokers : ["kafka:9092"] },
  };
}

async function asProcess(
  port: number,
  settings: Readonly<Record<string, string | number>>,
): Promise<Service> {
  const folder = dataFolder("kafka");
  const [controller] = (await freePorts(1)) as [number];
  const file = join(folder, "server.properties");
  writeProperties(file, {
    ...SINGLE_NODE,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "listener.security.protocol.map":
      "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    "log.dirs": join(folder, "data"),
    ...settings,
  });
  return processService({
    name: "kafka",
    prepare: () =>
      run(
        "java",
        javaArguments(
          folder,
          "kafka.tools.StorageTool",
          ["format", "-t", "dGlkZW1hcmstdGVzdHMtMQ", "-c", file],
          128,
        ),
      ),
    command: "java",
    args: javaArguments(folder, "kafka.Kafka", [file], 512),
    folder,
    ready: async (log) => /Kafka Server started/.test(log) && (await listens(port)),
  });
}

function inContainer(
  network: Network,
  port: number,
  settings: Readonly<Record<string, string | number>>,
): Promise<Service> {
  // The services use one listener and this process the other, because a broker tells its clients
  // which address to use.
  const properties = {
    ...SINGLE_NODE,
    "controller.quorum.voters": "1@localhost:9093",
    listeners: "INSIDE://:9092,HOST://:29092,CONTROLLER://:9093",
    "advertised.listeners": `INSIDE://kafka:9092,HOST://127.0.0.1:${port}`,
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,HOST:PLAINTEXT",
    "inter.broker.listener.name": "INSIDE",
    "log.dirs": "/var/lib/kafka/data",
    ...settings,
  };
  return network.container({
    name: "kafka",
    image: images.kafka,
    ports: [{ container: 29092, host: port }],
    ready: (log) => /Kafka Server started/.test(log),
    env: {
      KAFKA_HEAP_OPTS: "-Xmx512m",
      ...Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [environmentName("KAFKA", name), value]),
      ),
    },
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => {
      resolve(false);
    });
  });
}
