/** Tests the demo on the real programs, small. */
import { startPipeline, type Pipeline } from "@tidemark/testkit/services";
import { connectorStatus } from "@tidemark/source-debezium";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import {
  dockerEngine,
  minioServer,
  realPipeline,
  suiteNeeding,
  trinoServer,
} from "@tidemark/testkit/needs";
import { realDemo } from "../src/real.ts";
import { expectAgreement, SMALL } from "./small-real.ts";
import { scratch } from "./small-bank.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

suiteNeeding(
  { missing: realPipeline().missing ?? minioServer().missing ?? trinoServer().missing },
  "the demo on the real programs",
  () => {
    let services: Pipeline;
    beforeAll(async () => {
      services = await startPipeline({ runtime: "processes", trino: true });
    }, 600_000);
    afterAll(async () => {
      await services.stop();
    });

    test(
      "PostgreSQL, both stores, the training set and Trino agree, also on a second run",
      { timeout: 600_000 },
      async () => {
        const directory = join(await scratch(), "demo");
        for (const time of ["first", "second"]) {
          let text = `${time} time\n`;
          const result = await realDemo({
            bank: SMALL,
            against: services,
            directory,
            output: {
              write: (more) => {
                text += more;
              },
            },
          });
          expectAgreement(result, text);
          const name = /connector (tidemark-demo-\d+)/.exec(text)![1]!;
          expect(await connectorStatus({ url: services.connect.url, name })).toBe(null);
        }
        const client = new pg.Client({ connectionString: services.postgres.url });
        await client.connect();
        onTestFinished(() => client.end());
        expect((await client.query("SELECT slot_name FROM pg_replication_slots")).rows).toEqual([]);
        expect(
          (await client.query("SELECT datname FROM pg_database WHERE datname LIKE 'tidemark%'"))
            .rows,
        ).toEqual([{ datname: "tidemark_demo" }]);
      },
    );

    test(
      "Ctrl-C ends the demo with 130, and every program that it started",
      { timeout: 600_000 },
      () => interrupted("processes"),
    );
  },
);

suiteNeeding(dockerEngine(), "the demo on containers", () => {
  test("Ctrl-C ends the demo with 130, after its containers", { timeout: 900_000 }, () =>
    interrupted("docker"),
  );
});

async function interrupted(way: "processes" | "docker"): Promise<void> {
  // a process group of its own, as in a terminal: Ctrl-C reaches the services too
  const child = spawn(
    process.execPath,
    ["--conditions=@tidemark/source", "--disable-warning=ExperimentalWarning", main, "--real"],
    {
      cwd: await scratch(),
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TIDEMARK_SERVICES: way },
    },
  );
  onTestFinished(() => {
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  const ended = new Promise<number | null>((resolve) => {
    child.on("exit", resolve);
  });
  while (!text.includes("The snapshot, through Kafka") && child.exitCode === null) await sleep(50);
  process.kill(-child.pid!, "SIGINT");
  // printed when every service has ended; a killed demo leaves that to its guards and prints
  // nothing
  expect([await ended, text]).toEqual([130, expect.stringContaining("Stopped")]);
  expect(() => process.kill(-child.pid!, 0)).toThrow(/ESRCH/);
}

test(
  "a machine that has neither containers nor programs is told what to install, with 2",
  { timeout: 300_000 },
  async () => {
    const child = spawn(
      process.execPath,
      ["--conditions=@tidemark/source", "--disable-warning=ExperimentalWarning", main, "--real"],
      {
        cwd: await scratch(),
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: "/nowhere", TIDEMARK_SERVICES: "processes", TIDEMARK_MINIO: "/nowhere/minio" },
      },
    );
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    expect([
      await new Promise((resolve) => {
        child.on("exit", resolve);
      }),
      text,
    ]).toEqual([
      2,
      expect.stringMatching(/no Java 17.*no MinIO.*Start a Docker engine; or install/s),
    ]);
  },
);

test.each([
  { args: ["--help"], code: 0, says: /Usage: npm run demo/ },
  { args: ["--reel"], code: 2, says: /Unknown option '--reel'/ },
  { args: ["--real", "--against", "swarm"], code: 2, says: /against compose, not "swarm"/ },
])("$args ends with $code and says how to use it", async ({ args, code, says }) => {
  const child = spawn(
    process.execPath,
    ["--conditions=@tidemark/source", "--disable-warning=ExperimentalWarning", main, ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  expect(
    await new Promise((resolve) => {
      child.on("exit", resolve);
    }),
  ).toBe(code);
  expect(text).toMatch(says);
});
