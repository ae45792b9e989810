/**
 * Tests docker/compose.yaml under a separate name: valid, healthy, and a row travels through it.
 */
import { readFileSync } from "node:fs";
import { registerConnector } from "@tidemark/source-debezium";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProgram } from "../../src/child-process.ts";
import { composeEngine, suiteNeeding } from "../../src/needs.ts";
import {
  type Compose,
  composeFile,
  composePipeline,
  startCompose,
} from "../../src/services/index.ts";
import { images } from "../../src/services/images.ts";
import { countedByTrino, messages } from "./clients.ts";

test("what is missing in .env is named", () => {
  expect(() => composePipeline({ POSTGRES_USER: "bank", MINIO_ROOT_USER: "" })).toThrow(
    /POSTGRES_PASSWORD, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD not set; copy docker\/\.env\.example/,
  );
});

test("a variable that is left out is the port of the compose file", () => {
  const text = readFileSync(composeFile, "utf8");
  const { postgres, kafka, connect, minio, trino } = composePipeline({
    POSTGRES_USER: "u",
    POSTGRES_PASSWORD: "p@/",
    MINIO_ROOT_USER: "m",
    MINIO_ROOT_PASSWORD: "s",
  });
  expect(postgres).toMatchObject({
    port: 5432,
    database: "bank",
    url: "postgres://u:p%40%2F@127.0.0.1:5432/bank",
  });
  expect([kafka.brokers, connect.url, minio.endpoint, trino.url]).toEqual([
    ["127.0.0.1:9092"],
    "http://127.0.0.1:8083",
    "http://127.0.0.1:9000",
    "http://127.0.0.1:8080",
  ]);
  for (const part of [
    "${POSTGRES_PORT:-5432}",
    "${KAFKA_PORT:-9092}",
    "${CONNECT_PORT:-8083}",
    "${MINIO_PORT:-9000}",
    "${TRINO_PORT:-8080}",
    "${POSTGRES_DB:-bank}",
  ])
    expect(text).toContain(part);
});

test("the compose file names the images that the tests run on", () => {
  const named = [...readFileSync(composeFile, "utf8").matchAll(/^ {4}image: (\S+)$/gm)].map(
    ([, image]) => image,
  );
  expect(named).toEqual(expect.arrayContaining(Object.values(images)));
});

suiteNeeding(composeEngine(), "docker/compose.yaml", () => {
  let stack: Compose;
  beforeAll(async () => {
    stack = await startCompose();
  }, 660_000);
  afterAll(() => stack?.stop(), 120_000);

  test("is valid with the example's variables, and otherwise names their file", async () => {
    const config = async (...args: readonly string[]): Promise<string> => {
      const env = Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^(POSTGRES|MINIO)_/.test(name)),
      );
      const command = ["compose", "-f", composeFile, ...args, "config"];
      const child = startProgram("docker", command, { env, inheritEnv: false });
      return (await child.succeeded()).stdout;
    };
    expect(
      await config(
        "--env-file",
        composeFile.replace("compose.yaml", ".env.example"),
        "--profile",
        "consoles",
      ),
    ).toContain("kafka-ui:");
    expect(
      await config(
        "--env-file",
        composeFile.replace("compose.yaml", ".env.example"),
        "--profile",
        "airflow",
      ),
    ).toContain("tidemark-airflow:");
    await expect(config("--env-file", "/dev/null")).rejects.toThrow(
      /copy docker\/\.env\.example to docker\/\.env/,
    );
  });

  test("every service is healthy, pinned, local only, and has a volume", async () => {
    const running = (await stack.compose("ps", "--format", "json"))
      .trim()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as {
            Service: string;
            Health: string;
            Image: string;
            LocalVolumes: string;
            Publishers: { URL: string; PublishedPort: number }[];
          },
      );
    expect(running.map(({ Service, Health, Image }) => [Service, Health, Image]).sort()).toEqual(
      Object.entries(images)
        .map(([name, image]) => [name, "healthy", image])
        .sort(),
    );
    for (const { Publishers } of running)
      expect(
        Publishers.filter(({ PublishedPort }) => PublishedPort > 0).map(({ URL }) => URL),
      ).not.toContain("0.0.0.0");
    const { volumes } = JSON.parse(await stack.compose("config", "--format", "json")) as {
      volumes: object;
    };
    expect(Object.keys(volumes).sort()).toEqual(Object.keys(images).sort());
  });

  test("Trino reads a Delta table of MinIO by its place", { timeout: 180_000 }, async () => {
    expect(await countedByTrino(stack.addresses, "lake")).toEqual([[0]]);
  });

  test("a row inserted into PostgreSQL arrives in Kafka", { timeout: 180_000 }, async () => {
    const { postgres, kafka, connect, inside } = stack.addresses;
    const database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
    await database.query("CREATE TABLE payment (id int PRIMARY KEY, amount numeric(10, 2))");
    await registerConnector({
      url: connect.url,
      name: "bank",
      database: {
        ...inside.postgres,
        user: postgres.user,
        password: postgres.password,
        name: postgres.database,
      },
      tables: ["public.payment"],
    });
    await database.query("INSERT INTO payment VALUES (1, 12.50)");
    const payments = await messages(kafka.brokers, "bank.public.payment");
    expect((await payments.until(1))[0]!.after).toEqual({ id: 1, amount: "12.50" });
    await payments.stop();
    await database.end();
  });
});
