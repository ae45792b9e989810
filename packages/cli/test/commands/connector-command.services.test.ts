/**
 * `tidemark connector` on a real Kafka Connect, and the whole way of a row: PostgreSQL → Debezium →
 * Kafka → changes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "@tidemark/core";
import type { Change, Position, SourceSpec } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer } from "@tidemark/server";
import { ownDatabase, sharedService, type SharedServices } from "@tidemark/testkit/services/shared";
import { connectorConfig, kafkaChanges } from "@tidemark/source-debezium";
import kafkajs from "kafkajs";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { tidemark } from "../../src/commands/command-line.ts";
import { secretsOf } from "../../src/config/secret.ts";
import { connectorStates } from "../../src/serve/connector-states.ts";

const payments: SourceSpec = {
  name: "payments",
  table: "public.payments",
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "at" },
  createdAt: null,
  columns: [
    { name: "id", database: "id", type: "int64", nullable: false },
    {
      name: "amount",
      database: "amount",
      type: "decimal",
      precision: 12,
      scale: 2,
      nullable: true,
    },
    { name: "at", database: "at", type: "timestamp", nullable: true },
  ],
};

test("tables are named to Debezium as they are, and every setting may be another", () => {
  const database = { host: "db", user: "u", password: "p", name: "bank" };
  const config = connectorConfig({
    name: "Bank-1",
    database,
    tables: ["public.a+b"],
    overrides: { "heartbeat.interval.ms": "1", "signal.data.collection": null },
  });
  expect(config).toMatchObject({
    "table.include.list": String.raw`public\.a\+b,public\.debezium_signal`,
    "slot.name": "tidemark_bank_1",
    "heartbeat.interval.ms": "1",
    "poll.interval.ms": "10",
    "database.port": "5432",
  });
  expect(Object.hasOwn(config, "signal.data.collection")).toBe(false);
});

suiteNeeding(realPipeline(), "tidemark connector, on a real Kafka Connect", () => {
  let postgres: SharedServices["postgres"], kafka: SharedServices["kafka"];
  let connect: SharedServices["connect"], database: pg.Client;
  beforeAll(async () => {
    [postgres, kafka, connect] = await Promise.all([
      ownDatabase(),
      sharedService("kafka"),
      sharedService("connect"),
    ]);
    database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
    await database.query(
      "CREATE TABLE payments (id bigint PRIMARY KEY, amount numeric(12, 2), at timestamp(6)); " +
        "CREATE TABLE other (id int PRIMARY KEY)",
    );
  });
  afterAll(async () => {
    await database.end();
  });

  async function run(
    verb: string,
    name: string,
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const text = { stdout: "", stderr: "" };
    const terminal = (which: keyof typeof text) => ({
      write: (one: string) => {
        text[which] += one;
      },
    });
    const all = ["connector", verb, "--url", connect.url, "--name", name, ...args];
    return {
      code: await tidemark(all, {
        stdout: terminal("stdout"),
        stderr: terminal("stderr"),
        signal: new AbortController().signal,
      }),
      ...text,
    };
  }
  const apply = (name: string, ...args: string[]) =>
    run("apply", name, "--database", postgres.url, "--table", "public.payments", ...args);

  /** What a server answers of the connectors. */
  async function answered(...names: readonly string[]): Promise<unknown> {
    const connectors = names.map((name) => ({ url: connect.url, name }));
    const store = await openStore({ definitions: {}, online: memoryOnlineStore() });
    const server = await featureServer({
      store,
      definitions: {},
      connectors: connectorStates(connectors, secretsOf({})),
    });
    const { body } = await server.app.inject("/v1/connectors");
    await server.close();
    await store.close();
    return JSON.parse(body) as unknown;
  }

  /** A connector runs before its snapshot is in Kafka. */
  async function thereIs(topic: string): Promise<void> {
    const admin = new kafkajs.Kafka({
      brokers: [...kafka.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    while (!(await admin.listTopics()).includes(topic)) await sleep(100);
    await admin.disconnect();
  }

  /** The rows that the topic tells of, once they are these. */
  async function told(topic: string, expected: readonly string[]): Promise<void> {
    const rows = new Map<bigint, string>();
    const take = ({ kind, values }: Change): void => {
      if (kind === "truncate") rows.clear();
      else if (kind === "delete") rows.delete(values![0] as bigint);
      else if (kind === "upsert")
        rows.set(
          values![0] as bigint,
          `${String(values![0])} ${String(values![1])} ${String(values![2])}`,
        );
    };
    let after: readonly Position[] = [];
    for (
      const deadline = performance.now() + 30_000;
      performance.now() < deadline;
      await sleep(200)
    ) {
      const source = kafkaChanges({ brokers: kafka.brokers, topics: topic, until: "caught-up" });
      for await (const { changes, positions } of source.changes({ sources: [payments], after })) {
        changes.forEach(take);
        after = positions;
      }
      if (JSON.stringify([...rows.values()]) === JSON.stringify(expected)) return;
    }
    expect([...rows.values()]).toEqual(expected);
  }

  test(
    "apply makes a connector and waits until it runs; its topic tells inserts, updates, " +
      "deletes and truncates with every digit; apply again changes nothing",
    { timeout: 120_000 },
    async () => {
      await database.query(
        "INSERT INTO payments VALUES (9007199254740993, 0.10, '2025-06-14 09:30:00.123456')",
      );
      const made = await apply("bank");
      await thereIs("bank.public.payments");
      expect(made).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^connector bank: RUNNING\ntask 0: RUNNING on /),
        stderr: "",
      });
      await told("bank.public.payments", ["9007199254740993 10 1749893400123456"]);
      await database.query(
        "UPDATE payments SET amount = 12345678.90; INSERT INTO payments VALUES (2, 1, NULL), " +
          "(3, 2, NULL); DELETE FROM payments WHERE id = 2; INSERT INTO other VALUES (1)",
      );
      await told("bank.public.payments", [
        "9007199254740993 1234567890 1749893400123456",
        "3 200 null",
      ]);
      await database.query("TRUNCATE payments; INSERT INTO payments VALUES (4, 4, NULL)");
      await told("bank.public.payments", ["4 400 null"]);
      expect(await apply("bank")).toMatchObject({ code: 0 });
      expect(await run("status", "bank")).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/RUNNING[^]*RUNNING/),
      });
      expect(await run("restart", "bank")).toMatchObject({ code: 0 });
      expect(await run("delete", "bank")).toEqual({
        code: 0,
        stdout: "connector bank: deleted\n",
        stderr: "",
      });
      expect(await run("status", "bank")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("CONNECTOR_NOT_FOUND: connector bank: Kafka Connect at"),
      });
      expect(await run("delete", "bank")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("CONNECTOR_NOT_FOUND"),
      });
    },
  );

  test(
    "a task that fails shows why; when that is settled, apply starts it again",
    { timeout: 120_000 },
    async () => {
      const args = [
        "--set",
        "publication.autocreate.mode=disabled",
        "--set",
        "publication.name=mine",
      ];
      const failed = await apply("broken", ...args);
      expect(failed).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(
          /CONNECTOR_FAILED: connector broken: .*[Pp]ublication[^]*says:[^]*at io\.debezium/,
        ),
      });
      expect(failed.stderr).not.toContain(postgres.password + "@");
      expect(await run("status", "broken")).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(
          /^connector broken: RUNNING\ntask 0: FAILED on [^]*io\.debezium/,
        ),
      });
      const worker = expect.stringMatching(/:\d+$/) as string;
      const reason = expect.stringMatching(/^[^\n]*[Pp]ublication[^\n]*$/) as string;
      expect(await answered("broken", "absent")).toEqual([
        {
          name: "broken",
          state: "RUNNING",
          worker,
          reason: null,
          tasks: [{ id: 0, state: "FAILED", worker, reason }],
          error: null,
        },
        {
          name: "absent",
          state: null,
          worker: null,
          reason: null,
          tasks: [],
          error: "Kafka Connect has no connector of this name; check the name",
        },
      ]);
      await database.query("CREATE PUBLICATION mine FOR TABLE payments");
      expect(await apply("broken", ...args)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("task 0: RUNNING"),
      });
      await run("delete", "broken");
    },
  );

  test("refused settings and an unreachable worker are named", async () => {
    expect(await apply("refused", "--set", "plugin.name=nonsense")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /CONNECTOR_REFUSED: connector refused: .*: plugin\.name: .*decoderbufs, pgoutput/,
      ),
    });
    const nobody = await tidemark(
      ["connector", "status", "--url", "http://127.0.0.1:1", "--name", "x"],
      {
        stdout: { write: () => true },
        stderr: {
          write: (text) => {
            expect(text).toContain(
              "CONNECT_UNREACHABLE: connector x: nothing answers at http://127.0.0.1:1",
            );
          },
        },
        signal: new AbortController().signal,
      },
    );
    expect(nobody).toBe(1);
  });
});
