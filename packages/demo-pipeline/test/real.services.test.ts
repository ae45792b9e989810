/** Tests the demo on the real programs, small. */
import type { PipelineAddresses } from "@tidemark/testkit/services";
import { sharedPipeline } from "@tidemark/testkit/services/shared";
import { connectorStatus } from "@tidemark/source-debezium";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { type Child, type ChildOptions, startNode } from "@tidemark/testkit/child-process";
import { beforeAll, expect, onTestFinished, test } from "vitest";
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
    let services: PipelineAddresses;
    beforeAll(async () => {
      services = await sharedPipeline();
    }, 600_000);

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
        expect(
          (
            await client.query(
              "SELECT slot_name FROM pg_replication_slots WHERE database LIKE 'tidemark%'",
            )
          ).rows,
        ).toEqual([]);
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

const startDemo = (args: readonly string[], options: ChildOptions = {}): Child =>
  startNode(main, args, { ...options, nodeOptions: ["--disable-warning=ExperimentalWarning"] });

async function interrupted(way: "processes" | "docker"): Promise<void> {
  // a process group of its own, as in a terminal: Ctrl-C reaches the services too
  const child = startDemo(["--real"], {
    cwd: await scratch(),
    detached: true,
    env: { TIDEMARK_SERVICES: way },
  });
  await child.printed("The snapshot, through Kafka", { seconds: 800 });
  process.kill(-child.pid!, "SIGINT");
  // printed when every service has ended; a killed demo leaves that to its guards and prints
  // nothing
  const { code, output } = await child.ended;
  expect([code, output]).toEqual([130, expect.stringContaining("Stopped")]);
  expect(() => process.kill(-child.pid!, 0)).toThrow(/ESRCH/);
}

test(
  "a machine that has neither containers nor programs is told what to install, with 2",
  { timeout: 300_000 },
  async () => {
    const { code, stderr } = await startDemo(["--real"], {
      cwd: await scratch(),
      inheritEnv: false,
      env: { PATH: "/nowhere", TIDEMARK_SERVICES: "processes", TIDEMARK_MINIO: "/nowhere/minio" },
    }).ended;
    expect([code, stderr]).toEqual([
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
  const end = await startDemo(args).ended;
  expect(end.code).toBe(code);
  expect(end.output).toMatch(says);
});
