/**
 * Measures what metrics, the request log and traces cost a server: the CPU time of a request for
 * one entity and seven window features. Servers with and without them get the same load in turn, in
 * one run: `npm run bench -- observed [SECONDS] [ROUNDS]`.
 *
 * "off" is the server without counts of answers, log and tracer. "metrics" counts, and is scraped
 * once in each measurement. "all" also writes a log line for each request, and makes spans that a
 * processor batches. Each figure is the median of the least disturbed third of the rounds.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { userName } from "@tidemark/testkit/bank/transactions";
import { type Child, startNode, startProgram } from "@tidemark/testkit/child-process";
import { bankChanges, NOW } from "./bank.ts";
import { median } from "./figures.ts";
import type { LoadResult, LoadSettings } from "./http-load.ts";

const USERS = 4000;
const CONNECTIONS = 16;
const MODES = ["off", "metrics", "all"] as const;
type Mode = (typeof MODES)[number];
/** The most that metrics and everything together may cost. */
const TARGET = 1.05;

const [seconds = 2, rounds = 12] = process.argv.slice(2).map(Number);
const pinned =
  availableParallelism() > 1 &&
  (await startProgram("taskset", ["--version"]).ended.then(
    ({ code }) => code === 0,
    () => false,
  ));
const boundTo = (core: number): readonly string[] =>
  pinned ? ["taskset", "-c", String(core)] : [];

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const online = join(folder, "online.db");
const children: Child[] = [];
try {
  const store = await openStore({
    definitions: { weekly },
    online: { store: sqliteOnlineStore(online), retention: "1d" },
    clock: () => new Date(NOW / 1000),
  });
  await store.run(bankChanges(USERS, USERS * 70));
  await store.close();
  await compare();
} finally {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const random = new Random(23);
  const bodies = Array.from({ length: 2000 }, () =>
    JSON.stringify({
      features: ["weekly_activity"],
      entities: [{ user_id: userName(random.int(USERS)) }],
    }),
  );
  const servers = await Promise.all(MODES.map(async (mode) => ({ mode, ...(await start(mode)) })));
  const order = { bodies, connections: CONNECTIONS, seconds };
  // until the JIT compilers are done
  for (const { url } of servers) await load({ ...order, url, seconds: 5 });
  const cpu = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round++) {
    // each mode begins a round equally often
    const turn = [...servers.slice(round % 3), ...servers.slice(0, round % 3)];
    for (const { mode, url, usage } of turn) {
      const before = await usage();
      // Prometheus asks every 15 seconds by default
      const scraped = mode === "off" ? undefined : scrape(url);
      const { perSecond } = await load({ ...order, url });
      await scraped;
      cpu.get(mode)!.push(((await usage()) - before) / (perSecond * seconds));
    }
  }
  // another program on the machine makes a round slower and none faster
  const least = (mode: Mode): number => {
    const sorted = cpu.get(mode)!.toSorted((a, b) => a - b);
    return median(sorted.slice(0, Math.ceil(sorted.length / 3)));
  };
  const ratioOf = (mode: Mode): number => Number((least(mode) / least("off")).toFixed(3));
  for (const mode of MODES)
    console.log(
      `${mode.padEnd(10)}${least(mode).toFixed(1).padStart(8)} µs of CPU a request, ` +
        `${median(cpu.get(mode)!).toFixed(1)} in the median   ${ratioOf(mode).toFixed(3)} of off`,
    );
  const ratio = { metrics: ratioOf("metrics"), all: ratioOf("all") };
  console.log(JSON.stringify({ bench: "observed", rounds, ratio, target: TARGET }));
}

async function scrape(url: string): Promise<void> {
  await (await fetch(new URL("/metrics", url))).text();
}

async function start(mode: Mode): Promise<{ url: string; usage: () => Promise<number> }> {
  const child = startNode(join(import.meta.dirname, "observed-server.ts"), [mode, online], {
    stdin: "pipe",
    through: boundTo(0),
    nodeOptions: ["--disable-warning=ExperimentalWarning"],
  });
  children.push(child);
  const port = await child.line(/^\d+$/);
  return {
    url: `http://127.0.0.1:${port}/v1/features`,
    /** The CPU time of the server so far, µs. */
    async usage() {
      child.write("usage\n");
      return Number(/\d+/.exec(await child.line(/^usage /))![0]);
    },
  };
}

async function load(order: LoadSettings): Promise<LoadResult> {
  const child = startNode(join(import.meta.dirname, "http-load.ts"), [], {
    input: JSON.stringify(order),
    through: boundTo(1),
    nodeOptions: ["--disable-warning=ExperimentalWarning"],
  });
  return JSON.parse((await child.succeeded()).stdout) as LoadResult;
}
