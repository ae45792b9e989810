/**
 * Tests the services as containers and as processes: start, use, halt, end, and a row of PostgreSQL
 * that becomes a Kafka message.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { registerConnector } from "@tidemark/source-debezium";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import {
  dockerEngine,
  minioServer,
  realPipeline,
  suiteNeeding,
  trinoServer,
} from "../../src/needs.ts";
import {
  chooseRuntime,
  type Pipeline,
  startKafka,
  startPipeline,
  type ServiceRuntime,
} from "../../src/services/index.ts";
import { startNode, startProgram } from "../../src/child-process.ts";
import { startNetwork } from "../../src/services/network.ts";
import { countedByTrino, messages, reached } from "./clients.ts";

const docker = async (...args: readonly string[]): Promise<string> =>
  (await startProgram("docker", args).succeeded()).stdout.trim();

/** The files of a PostgreSQL, or the objects that the Docker engine has of it. */
interface Leftovers {
  left(): Promise<boolean>;
}

const ways: Record<
  ServiceRuntime,
  {
    readonly need: ReturnType<typeof dockerEngine>;
    traces(dataDirectory: string, network: string | undefined): Promise<Leftovers>;
  }
> = {
  processes: {
    need: { missing: realPipeline().missing ?? minioServer().missing ?? trinoServer().missing },
    traces: async (dataDirectory) => ({ left: async () => existsSync(dataDirectory) }),
  },
  docker: {
    need: dockerEngine(),
    async traces(_, network) {
      const ours = ["--filter", `label=tidemark.network=${network}`];
      const mounts = await docker(
        "inspect",
        "--format",
        "{{range .Mounts}}{{.Name}} {{end}}",
        await docker("ps", "--quiet", ...ours),
      );
      const volumes = mounts.split(" ").filter((name) => name !== "");
      expect(volumes.length).toBeGreaterThan(0);
      return {
        left: async () =>
          (await docker("ps", "--all", "--quiet", ...ours)) !== "" ||
          (await docker("network", "ls", "--quiet", ...ours)) !== "" ||
          (await docker("volume", "ls", "--quiet"))
            .split("\n")
            .some((name) => volumes.includes(name)),
      };
    },
  },
};

for (const [runtime, { need, traces }] of Object.entries(ways) as [
  ServiceRuntime,
  (typeof ways)[ServiceRuntime],
][]) {
  suiteNeeding(need, `the real services, as ${runtime}`, () => {
    let pipeline: Pipeline, database: pg.Client;
    beforeAll(async () => {
      pipeline = await startPipeline({ runtime, trino: true });
      database = new pg.Client({ connectionString: pipeline.postgres.url });
      await database.connect();
      await database.query(
        "CREATE TABLE payment (id int PRIMARY KEY, amount numeric(10, 2)); " +
          "INSERT INTO payment VALUES (1, 12.50)",
      );
    }, 800_000);
    afterAll(() => pipeline?.stop(), 120_000);

    test(
      "a row inserted into PostgreSQL arrives as a Debezium message in Kafka",
      { timeout: 180_000 },
      async () => {
        const { postgres, kafka, connect, inside } = pipeline;
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
        const payments = await messages(kafka.brokers, "bank.public.payment");
        await payments.until(1);
        await database.query("INSERT INTO payment VALUES (2, 0.07)");
        const seen = await payments.until(2);
        await payments.stop();
        expect(seen.map(({ op, after }) => [op, after])).toEqual([
          ["r", { id: 1, amount: "12.50" }],
          ["c", { id: 2, amount: "0.07" }],
        ]);
      },
    );

    test("Trino reads a Delta table of MinIO by its place", { timeout: 180_000 }, async () => {
      expect(await countedByTrino(pipeline, "lake")).toEqual([[0]]);
    });

    test(
      "halted, a service is away; resumed, it is where it was and knows what it knew",
      { timeout: 400_000 },
      async () => {
        const { postgres, kafka, connect, minio } = pipeline;
        await minio.createBucket("kept");
        await database.end();
        for (const service of [postgres, minio, connect, kafka]) {
          await service.halt("SIGKILL");
          if (service === postgres) expect(await reached(postgres)).toBe(false);
          await service.resume();
        }
        await postgres.halt();
        await postgres.resume();
        database = new pg.Client({ connectionString: postgres.url });
        await database.connect();
        expect((await database.query("SELECT count(*)::int AS rows FROM payment")).rows).toEqual([
          { rows: 2 },
        ]);
        await expect(minio.createBucket("kept")).rejects.toMatchObject({
          name: "BucketAlreadyOwnedByYou",
        });
        const payments = await messages(kafka.brokers, "bank.public.payment");
        expect((await payments.until(2)).map(({ after }) => after["id"])).toEqual([1, 2]);
        // Kafka stores the connector, which reads on
        await database.query("INSERT INTO payment VALUES (3, 1)");
        expect((await payments.until(3)).at(-1)).toMatchObject({ op: "c", after: { id: 3 } });
        await payments.stop();
        await database.end();
        expect(kafka.log()).toMatch(/Kafka Server started/);
      },
    );

    test("a service that ends before it is ready is an error with its output", async () => {
      const network = runtime === "docker" ? await startNetwork() : undefined;
      onTestFinished(() => network?.stop());
      await expect(
        startKafka({ settings: { "process.roles": "nothing" }, network }),
      ).rejects.toThrow(/process\.roles/);
    });

    test(
      "services and their data do not outlive the process that started them",
      { timeout: 120_000 },
      async () => {
        const program = fileURLToPath(new URL("programs/start-postgres.ts", import.meta.url));
        const child = startNode(program, [runtime]);
        const { port, network } = JSON.parse(await child.line()) as {
          readonly port: number;
          readonly network?: string;
        };
        const there = { ...pipeline.postgres, port };
        const client = new pg.Client({
          host: there.host,
          port,
          user: there.user,
          password: there.password,
          database: there.database,
        });
        await client.connect();
        const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
        await client.end();
        const { left } = await traces(rows[0]!.data_directory, network);
        expect([await reached(there), await left()]).toEqual([true, true]);
        child.kill();
        while ((await reached(there)) || (await left())) await sleep(100);
      },
    );
  });
}

test("a way that there is not is refused by name", async () => {
  await expect(chooseRuntime("podman" as ServiceRuntime)).rejects.toThrow(
    /"podman"; set it to docker or to processes/,
  );
});
