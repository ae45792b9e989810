/**
 * Tests faults under load: programs that are stopped, killed or slow. After each fault PostgreSQL's
 * tables, the online store and the history agree.
 */
import type { Store } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import type { Pipeline } from "@tidemark/testkit/services";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { checkText } from "../../src/pipeline-check.ts";
import { bank } from "../../src/pipeline-definitions.ts";
import { startLoad, type Load } from "../../src/pipeline-load.ts";
import { slowProxy } from "../../src/pipeline-proxy.ts";
import {
  checkFlow,
  lakeIn,
  openFlow,
  startFlow,
  startRunner,
  untilTrue,
  type PipelineFlow,
  type Runner,
} from "../../src/pipeline-run.ts";
import { inFolder, realStores, type RealStores } from "../../src/real-stores.ts";

interface UnderLoad {
  readonly flow: PipelineFlow;
  readonly load: Load;
  readonly runner: Runner;
  readonly store: Store;
  readonly seed: number;
  /** Waits until the stores have taken this many more changes. */
  expectProgress(changes?: number): Promise<void>;
}

interface UnderLoadOptions {
  /** The address of the lake while the load goes on. */
  readonly endpoint?: string | undefined;
  /** Checks the stores once more, and returns a description of the result. */
  readonly after?: ((stores: () => RealStores) => Promise<string>) | undefined;
}

/** Errors that may end a run while the history is unavailable; each names a next step. */
const AWAY = ["OBJECTS_UNREACHABLE", "OBJECTS_FAILED"];

export function faultTests(pipelineOf: () => Pipeline): void {
  /** Runs a load and a run that follows it, then `fault`, then compares everything. */
  async function underLoad(
    name: string,
    fault: (at: UnderLoad) => Promise<string>,
    { endpoint, after }: UnderLoadOptions = {},
  ): Promise<void> {
    const pipeline = pipelineOf();
    const { first: seed } = seedsFromEnvironment({ runs: 1 });
    const flow = await startFlow(pipeline, name);
    await inFolder(async (folder) => {
      const stores = (through?: string): RealStores =>
        realStores(folder, {}, lakeIn(pipeline, name, through));
      const load = startLoad(flow.url, seed);
      const store = await openFlow(bank, stores(endpoint));
      const runner = startRunner(store, { brokers: pipeline.kafka.brokers, topics: flow.topics });
      const expectProgress = async (changes = 300): Promise<void> => {
        const from = runner.taken;
        await untilTrue(
          `${name}: the run to go on from ${from} changes; ` +
            `it had errors ${[...runner.errors].join()}`,
          () => runner.taken >= from + changes,
        );
      };
      await expectProgress();
      const told = await fault({ flow, load, runner, store, seed, expectProgress });
      await load.stop();
      await runner.stop();
      await store.close();
      const result = await checkFlow(pipeline, flow, bank, stores(), seed);
      const more = (await after?.(stores)) ?? "";
      const errors =
        [...runner.errors].map(([code, count]) => `${code} ${count}×`).join(", ") || "none";
      console.log(
        `pipeline ${name}: ${told}${more}; ` +
          `${load.transactions} transactions of ${load.statements} statements, ` +
          `${load.unknownOutcomes} broken off; errors ${errors}; ${checkText(result)}`,
      );
      expect(result.differences.slice(0, 20)).toEqual([]);
    });
    await flow.close();
  }

  test(
    "Kafka's broker is stopped and started, then killed and started",
    { timeout: 400_000 },
    async () => {
      const { kafka } = pipelineOf();
      await underLoad("broker", async ({ expectProgress }) => {
        for (const signal of ["SIGTERM", "SIGKILL"] as const) {
          await kafka.halt(signal);
          await sleep(2_000);
          await kafka.resume();
          await expectProgress();
        }
        return "away twice";
      });
    },
  );

  test(
    "Connect is killed and started: messages that come twice change nothing",
    { timeout: 400_000 },
    async () => {
      const { connect } = pipelineOf();
      let twice = 0;
      await underLoad(
        "worker",
        async ({ expectProgress }) => {
          for (let kill = 0; kill < 2; kill++) {
            await connect.halt("SIGKILL");
            await sleep(500);
            await connect.resume();
            await expectProgress();
          }
          return "killed twice";
        },
        {
          after: async (stores) => {
            twice = await deliveredTwice(stores());
            return `, ${twice} messages delivered again`;
          },
        },
      );
      expect(twice).toBeGreaterThan(0);
    },
  );

  test(
    "PostgreSQL is stopped and started, then killed and started",
    { timeout: 400_000 },
    async () => {
      const { postgres } = pipelineOf();
      await underLoad("database", async ({ expectProgress }) => {
        for (const signal of ["SIGINT", "SIGKILL"] as const) {
          await postgres.halt(signal);
          await sleep(1_000);
          await postgres.resume();
          await expectProgress();
        }
        return "away twice";
      });
    },
  );

  test("MinIO is away for a while, then killed and started", { timeout: 400_000 }, async () => {
    const { minio } = pipelineOf();
    await underLoad("minio", async ({ expectProgress, runner }) => {
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        await minio.halt(signal);
        // longer than the S3 client retries
        await sleep(6_000);
        await minio.resume();
        await expectProgress();
      }
      expect([...runner.errors.keys()].filter((code) => !AWAY.includes(code))).toEqual([]);
      return "away twice";
    });
  });

  test("MinIO is slow, and connections to it break", { timeout: 400_000 }, async () => {
    const { minio } = pipelineOf();
    const proxy = await slowProxy(minio.endpoint, new Random(1), { delay: 120, breaks: 0.03 });
    try {
      await underLoad(
        "slow",
        async ({ expectProgress, runner }) => {
          await expectProgress(600);
          expect([...runner.errors.keys()].filter((code) => !AWAY.includes(code))).toEqual([]);
          return `${proxy.connections} connections, ${proxy.brokenConnections} broken`;
        },
        { endpoint: proxy.endpoint },
      );
    } finally {
      await proxy.close();
    }
  });
}

/** Counts the changes that the log holds at several offsets. */
async function deliveredTwice({ offline }: RealStores): Promise<number> {
  let twice = 0;
  for (const { spec } of bank.sources) {
    const seen = new Set<string>();
    for await (const batch of offline.scan(`${spec.name}/changes`, {
      columns: ["_order", "_op", "_row", "_key", "_snapshot"],
    })) {
      for (let i = 0; i < batch.length; i++) {
        const row = batch.vectors.map((vector) => String(valueAt(vector, i)));
        if (row[0] === "null" || row.at(-1) === "true") continue;
        const change = row.join(" ");
        if (seen.has(change)) twice++;
        seen.add(change);
      }
    }
  }
  await offline.close();
  return twice;
}
