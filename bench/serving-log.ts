/**
 * Measures what the serving log costs: the processor time of a request for one entity and seven
 * features, without the log, with every request logged, and with a tenth of them. The servers run
 * side by side, and get the same load in turn.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { userName } from "@tidemark/testkit/bank/transactions";
import { type Child, startNode } from "@tidemark/testkit/child-process";
import { bankChanges, NOW } from "./bank.ts";
import { median } from "./figures.ts";
import type { LoadResult } from "./http-load.ts";

const USERS = 4000;
const [seconds = 10, rounds = 5, entities = 1] = process.argv.slice(2).map(Number);
const SUBJECTS = [
  ["off", []],
  ["sample 1", ["1"]],
  ["sample 0.1", ["0.1"]],
] as const;

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const children: Child[] = [];
try {
  const online = join(folder, "online.db");
  const store = await openStore({
    definitions: { weekly },
    online: { store: sqliteOnlineStore(online), retention: "1d" },
    clock: () => new Date(NOW / 1000),
  });
  await store.run(bankChanges(USERS, USERS * 70));
  await store.close();
  const urls = new Map<string, string>();
  for (const [name, args] of SUBJECTS)
    urls.set(name, await serverOf("computed", online, join(folder, `lake ${name}`), ...args));
  const random = new Random(23);
  const bodies = Array.from({ length: 2000 }, () =>
    JSON.stringify({
      features: ["weekly_activity"],
      entities: Array.from({ length: entities }, () => ({ user_id: userName(random.int(USERS)) })),
    }),
  );
  const micros = new Map<string, number[]>(SUBJECTS.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, url] of urls) {
      const before = await cpuSeconds(url);
      const { perSecond } = await load(`${url}/v1/features`, bodies);
      // the log is committed every ten seconds or 20,000 rows
      const used = (await cpuSeconds(url)) - before;
      if (round >= 0) micros.get(name)!.push((used / (perSecond * seconds)) * 1e6);
    }
  }
  // others on the machine only add to the time, so the least is the nearest to the truth
  const least = (name: string): number => Math.min(...micros.get(name)!);
  for (const [name, list] of micros)
    console.log(
      `${name.padEnd(12)}least ${least(name).toFixed(1).padStart(6)}, median ` +
        `${median(list).toFixed(1).padStart(6)} µs of a core per request   ` +
        `${((least(name) / least("off") - 1) * 100).toFixed(1)} % more than off`,
    );
  console.log(await logged(urls.get("sample 1")!));
  console.log(
    JSON.stringify({
      bench: "serving-log",
      entities,
      micros: Object.fromEntries([...micros.keys()].map((name) => [name, least(name)])),
    }),
  );
} finally {
  for (const child of children) if (!child.hasEnded) child.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function serverOf(...args: readonly string[]): Promise<string> {
  const child = startNode(join(import.meta.dirname, "http-server.ts"), args, {
    stdin: "pipe",
    nodeOptions: ["--disable-warning=ExperimentalWarning"],
  });
  children.push(child);
  return `http://127.0.0.1:${await child.line()}`;
}

async function load(url: string, bodies: readonly string[]): Promise<LoadResult> {
  const child = startNode(join(import.meta.dirname, "http-load.ts"), [], {
    input: JSON.stringify({ url, bodies, connections: 16, seconds }),
    nodeOptions: ["--disable-warning=ExperimentalWarning"],
  });
  return JSON.parse((await child.succeeded()).stdout) as LoadResult;
}

async function cpuSeconds(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tidemark_process_cpu_seconds_total ([\d.e+-]+)$/m.exec(text)![1]);
}

async function logged(url: string): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^tidemark_serving_log_\S+ \S+$/gm)].map(([line]) => line).join("\n");
}
