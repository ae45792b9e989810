/**
 * Tests runners under load in child processes: killed at random points, and two of one group that
 * come and go.
 */
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import type { Pipeline } from "@tidemark/testkit/services";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { integrityOf } from "../../src/crash-checks.ts";
import { checkText } from "../../src/pipeline-check.ts";
import { bank } from "../../src/pipeline-definitions.ts";
import { BANK_TABLES, startLoad } from "../../src/pipeline-load.ts";
import {
  startRunnerProcess,
  type ChildSettings,
  type RunnerProcess,
} from "../../src/pipeline-process.ts";
import {
  BUCKET,
  checkFlow,
  lakeIn,
  startFlow,
  untilTrue,
  type PipelineFlow,
} from "../../src/pipeline-run.ts";
import { inFolder, realStores } from "../../src/real-stores.ts";

const KILLS = 50;
/** Three partitions of each table's topic, and of the topic without definitions. */
const PARTITIONS = 3 * (BANK_TABLES.length + 1);

export function runnerTests(pipelineOf: () => Pipeline): void {
  const settingsOf = (
    flow: PipelineFlow,
    folder: string,
    groupId: string | null,
  ): ChildSettings => {
    const { kafka, minio } = pipelineOf();
    return {
      folder,
      brokers: kafka.brokers,
      topics: flow.topics.source,
      groupId,
      lake: {
        endpoint: minio.endpoint,
        bucket: BUCKET,
        prefix: flow.name,
        credentials: minio.credentials,
      },
    };
  };

  test(
    `the runner is killed at ${KILLS} random points under load`,
    { timeout: 900_000 },
    async () => {
      const pipeline = pipelineOf();
      const { first: seed } = seedsFromEnvironment({ runs: 1 });
      const random = new Random(seed);
      const flow = await startFlow(pipeline, "kills");
      await inFolder(async (folder) => {
        const load = startLoad(flow.url, seed, 40);
        const settings = settingsOf(flow, folder, null);
        /** The number of reported commits at each kill. */
        const kills: number[] = [];
        let commits = 0;
        let next = startRunnerProcess(settings);
        const inside = (): number => kills.filter((at) => at > 0 && at < commits).length;
        const started = performance.now();
        while (inside() < KILLS) {
          const runner = next;
          await runner.start();
          // the next process loads its modules meanwhile
          next = startRunnerProcess(settings);
          const after = random.int(5);
          await untilTrue(
            "a runner to commit",
            () => runner.commits > after || runner.child.hasEnded,
            2,
          );
          await sleep(random.int(150));
          runner.child.kill();
          const { how } = await runner.child.ended;
          if (how !== "SIGKILL") throw runner.child.failure(`ended with ${how}`);
          commits += runner.commits;
          kills.push(commits);
        }
        next.child.kill();
        const seconds = (performance.now() - started) / 1000;
        await load.stop();
        integrityOf(folder);
        const result = await checkFlow(
          pipeline,
          flow,
          bank,
          realStores(folder, {}, lakeIn(pipeline, flow.name)),
          seed,
        );
        console.log(
          `pipeline kills: ${kills.length} kills in ${seconds.toFixed(0)} s, ` +
            `${inside()} of them between the first and the last of ${commits} commits; ` +
            `${load.transactions} transactions of ${load.statements} statements; ` +
            `${checkText(result)}`,
        );
        expect(result.differences.slice(0, 20)).toEqual([]);
      });
      await flow.close();
    },
  );

  test(
    "runners of one group share partitions under load through a kill and a stop",
    { timeout: 400_000 },
    async () => {
      const pipeline = pipelineOf();
      const { first: seed } = seedsFromEnvironment({ runs: 1 });
      const flow = await startFlow(pipeline, "grouped");
      await inFolder(async (folder) => {
        const load = startLoad(flow.url, seed);
        const settings = settingsOf(flow, folder, "tidemark-grouped");
        const start = async (): Promise<RunnerProcess> => {
          const runner = startRunnerProcess(settings);
          await runner.start();
          return runner;
        };
        const goesOn = async (
          what: string,
          ...runners: readonly RunnerProcess[]
        ): Promise<void> => {
          const before = runners.map(({ commits }) => commits);
          await untilTrue(what, () => {
            const gone = runners.find(({ child }) => child.hasEnded);
            if (gone !== undefined) throw gone.child.failure("ended");
            return runners.every(
              ({ commits, ownedPartitions }, i) => ownedPartitions > 0 && commits > before[i]! + 3,
            );
          });
        };
        const [first, second] = await Promise.all([start(), start()]);
        await goesOn("both runners to have a share", first, second);
        await untilTrue(
          "the two to have all partitions",
          () =>
            first.ownedPartitions > 0 &&
            second.ownedPartitions > 0 &&
            first.ownedPartitions + second.ownedPartitions === PARTITIONS,
        );
        const shares = [first.ownedPartitions, second.ownedPartitions];
        first.child.kill();
        await first.child.ended;
        await untilTrue("the second to take over", () => second.ownedPartitions === PARTITIONS);
        const third = await start();
        await goesOn("the third to get a share", second, third);
        second.child.kill("SIGTERM");
        await second.child.succeeded();
        await untilTrue("the third to take over", () => third.ownedPartitions === PARTITIONS);
        await load.stop();
        third.child.kill("SIGTERM");
        await third.child.succeeded();
        const result = await checkFlow(
          pipeline,
          flow,
          bank,
          realStores(folder, {}, lakeIn(pipeline, flow.name)),
          seed,
        );
        console.log(
          `pipeline group: partitions ${shares.join(" + ")}, ` +
            `commits ${[first, second, third].map(({ commits }) => commits).join(" + ")}; ` +
            `${load.transactions} transactions; ${checkText(result)}`,
        );
        expect(result.differences.slice(0, 20)).toEqual([]);
      });
      await flow.close();
    },
  );
}
