/**
 * Compares the shards of one job with one process that computes the whole training set: from the
 * same lake and labels to the same file. Each shard and each of both other steps runs in a process
 * of its own, one after the other.
 *
 *     npm run bench -- shards [--shards n] [--labels n] [--events n] [--users n] [--rounds n]
 */
import { startNode } from "@tidemark/testkit/child-process";
import { readParquet } from "@tidemark/delta";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../figures.ts";
import { bankLabels, bankLake } from "../training-sets/bank-lake.ts";
import { lastJson, type Measured } from "../training-sets/computed.ts";

const TARGET = 1.2;

const { values: given } = parseArgs({
  options: {
    shards: { type: "string", default: "8" },
    labels: { type: "string", default: "1000000" },
    events: { type: "string", default: "10000000" },
    users: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
  },
});
const [shards, labels, events, users, rounds] = [
  given.shards,
  given.labels,
  given.events,
  given.users,
  given.rounds,
].map(Number) as [number, number, number, number, number];
const size = { users, events, updated: 0, days: 90 };
const { folder: lake } = await bankLake(size, false);
const entities = await bankLabels(size, { kind: "random", labels, users });
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const pin = "taskset";
const oneCore = spawnSync(pin, ["--version"]).error === undefined ? [pin, "-c", "0"] : [];
const outOf = (side: string): string => join(folder, `${side}.parquet`);

/** Runs one step of the job in a process of its own, on one core, as the pods of a cluster are. */
const step = (...args: readonly (string | number)[]): Promise<Measured> =>
  lastJson(
    startNode(
      join(import.meta.dirname, "step.ts"),
      [lake, join(folder, "job.json"), ...args.map(String)],
      {
        through: oneCore,
        // Node compiles the sources of this repository once, as it does with built packages
        env: { NODE_COMPILE_CACHE: join(folder, "compiled") },
      },
    ),
  );

interface Round {
  readonly whole: Measured;
  readonly job: Measured;
  readonly shards: readonly Measured[];
  readonly finish: Measured;
}

async function round(): Promise<Round> {
  const whole = await step("whole", entities, outOf("whole"));
  const job = await step("job", entities, outOf("shards"), shards);
  const each: Measured[] = [];
  for (let shard = 0; shard < shards; shard++) each.push(await step("shard", shard));
  return { whole, job, shards: each, finish: await step("finish") };
}

/** Throws when the files of both sides differ in a value. */
async function compare(): Promise<void> {
  const [one, other] = [await readParquet(outOf("whole")), await readParquet(outOf("shards"))];
  const theirs = other.batches()[Symbol.asyncIterator]();
  for await (const batch of one) {
    const { value } = await theirs.next();
    const [a, b] = [batch, value].map((side) =>
      JSON.stringify(side, (_, member: unknown) =>
        typeof member === "bigint" ? `${member}n` : member,
      ),
    );
    if (a !== b) throw new Error("the shards give another training set than one process");
  }
}

const sum = (all: readonly Measured[], field: keyof Measured): number =>
  all.reduce((total, one) => total + one[field], 0);
const measured: Round[] = [];
try {
  // both sides read the merged history, and find compiled sources
  await step("compact");
  await round();
  rmSync(outOf("shards"));
  for (let i = 1; i <= rounds; i++) {
    rmSync(outOf("shards"), { force: true });
    const one = await round();
    measured.push(one);
    if (i === 1) await compare();
    console.log(
      `round ${i}: one process ${one.whole.cpu.toFixed(2)} s of processor time; the job ` +
        `${one.job.cpu.toFixed(2)} s, ${shards} shards ${sum(one.shards, "cpu").toFixed(2)} s, ` +
        `finish ${one.finish.cpu.toFixed(2)} s; load ${loadavg()[0]!.toFixed(1)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const middle = (of: (one: Round) => number): number => Number(median(measured.map(of)).toFixed(3));
const allCpu = (one: Round): number => one.job.cpu + sum(one.shards, "cpu") + one.finish.cpu;
const peak = (one: Round): number =>
  Math.max(...[one.job, one.finish, ...one.shards].map(({ peakMiB }) => peakMiB));
console.log(
  JSON.stringify({
    bench: "shards",
    shards,
    labels,
    ...size,
    rounds,
    cpu: {
      whole: middle((one) => one.whole.cpu),
      job: middle((one) => one.job.cpu),
      shards: middle((one) => sum(one.shards, "cpu")),
      finish: middle((one) => one.finish.cpu),
    },
    peakMiB: { whole: middle((one) => one.whole.peakMiB), step: middle(peak) },
    ratio: middle((one) => sum(one.shards, "cpu") / one.whole.cpu),
    ratioOfAll: middle((one) => allCpu(one) / one.whole.cpu),
    target: TARGET,
  }),
);
