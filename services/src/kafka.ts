/** A Kafka of one broker, which is its own controller. */
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { javaArguments, writeProperties } from "./java.ts";
import { dataFolder, freePorts, type Service, service } from "./process.ts";

const run = promisify(execFile);

export interface Kafka extends Service {
  readonly brokers: readonly string[];
}

/** `settings`: further properties of the broker. */
export async function startKafka({ settings = {} }: { readonly settings?: Readonly<Record<string, string | number>> | undefined } = {}): Promise<Kafka> {
  const folder = dataFolder("kafka");
  const [port, controller] = await freePorts(2) as [number, number];
  const file = join(folder, "server.properties");
  writeProperties(file, {
    "node.id": 1, "process.roles": "broker,controller", "controller.listener.names": "CONTROLLER", "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`, "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    "log.dirs": join(folder, "data"), "offsets.topic.replication.factor": 1, "offsets.topic.num.partitions": 5, "transaction.state.log.replication.factor": 1,
    "transaction.state.log.num.partitions": 5, "transaction.state.log.min.isr": 1, "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1, "group.initial.rebalance.delay.ms": 0, "controlled.shutdown.enable": "false", ...settings,
  });
  const running = await service({
    name: "kafka", prepare: () => run("java", javaArguments(folder, "kafka.tools.StorageTool", ["format", "-t", "dGlkZW1hcmstdGVzdHMtMQ", "-c", file], 128)), command: "java", args: javaArguments(folder, "kafka.Kafka", [file], 512), folder,
    ready: async (log) => /Kafka Server started/.test(log) && (await listens(port)),
  });
  return { ...running, brokers: [`127.0.0.1:${port}`] };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => { resolve(false); });
  });
}
