/** The programs themselves: started, reached, ended; and a row of PostgreSQL that becomes a message of Kafka. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import { expect, test } from "vitest";
import { realPipeline, suiteNeeding } from "../../tools/needs.ts";
import { type Service, startConnect, startKafka, startPostgres } from "../src/index.ts";

suiteNeeding(realPipeline(), "the real services", () => {
  test("a row inserted into PostgreSQL arrives as a Debezium message in Kafka", { timeout: 180_000 }, async () => {
    const started: Service[] = [];
    try {
      const [postgres, kafka] = await Promise.all([startPostgres(), startKafka()]);
      started.push(postgres, kafka);
      const connect = await startConnect({ brokers: kafka.brokers });
      started.push(connect);
      const database = new pg.Client({ connectionString: postgres.url });
      await database.connect();
      await database.query("CREATE TABLE payment (id int PRIMARY KEY, amount numeric(10, 2)); INSERT INTO payment VALUES (1, 12.50)");
      const config = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput", "topic.prefix": "bank", "decimal.handling.mode": "string",
        "database.hostname": postgres.host, "database.port": String(postgres.port), "database.user": postgres.user, "database.password": postgres.password,
        "database.dbname": postgres.database, "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
      };
      const response = await fetch(`${connect.url}/connectors/bank/config`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(config) });
      expect(response.status).toBe(201);

      const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
      const admin = client.admin();
      await admin.connect();
      while (!(await admin.listTopics()).includes("bank.public.payment")) await sleep(200);
      await admin.disconnect();
      const consumer = client.consumer({ groupId: "proof" });
      await consumer.connect();
      await consumer.subscribe({ topic: "bank.public.payment", fromBeginning: true });
      const seen: { readonly op: string; readonly after: unknown }[] = [];
      await consumer.run({ eachMessage: async ({ message }) => { seen.push(JSON.parse(message.value!.toString()) as (typeof seen)[number]); } });
      while (seen.length < 1) await sleep(50);
      await database.query("INSERT INTO payment VALUES (2, 0.07)");
      while (seen.length < 2) await sleep(50);
      await consumer.disconnect();
      await database.end();
      expect(seen.map(({ op, after }) => [op, after])).toEqual([["r", { id: 1, amount: "12.50" }], ["c", { id: 2, amount: "0.07" }]]);
    } finally {
      for (const service of started.toReversed()) await service.stop();
    }
  });

  test("a service that ends before it is ready is an error that shows what it printed", async () => {
    await expect(startKafka({ settings: { "process.roles": "nothing" } })).rejects.toThrow(/process\.roles/);
  });

  test("services do not outlive the process that started them, killed or not, and their data goes with them", { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL("programs/start-postgres.ts", import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { port, folder } = JSON.parse((await lines.next()).value as string) as { readonly port: number; readonly folder: string };
    const reached = async (): Promise<boolean> => {
      const client = new pg.Client({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
      // a server that goes down says so outside any call
      client.on("error", () => undefined);
      return client.connect().then(() => client.end()).then(() => true, () => false);
    };
    expect([await reached(), existsSync(folder)]).toEqual([true, true]);
    child.kill("SIGKILL");
    for (let wait = 0; wait < 100 && (await reached() || existsSync(folder)); wait++) await sleep(100);
    expect([await reached(), existsSync(folder)]).toEqual([false, false]);
  });
});
