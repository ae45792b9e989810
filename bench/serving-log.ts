/**
 * Measures what the serving log costs: the processor time of a request for one entity and seven
 * features, without the log, with every request logged, and with a tenth of them. One process has
 * all servers, which get 2,000 requests in turn. The time has the commits of what was logged, and
 * the work of all threads: `npm run bench -- serving-log [ROUNDS] [ENTITIES]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
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

const USERS = 4000;
/** The requests that a server gets in one turn. */
const REQUESTS = 2000;
const CONNECTIONS = 16;
/** Rounds until the JIT compilers are done. */
const WARM_UP = 20;
const [rounds = 120, entities = 1] = process.argv.slice(2).map(Number);
const SUBJECTS = ["off", "sample 1", "sample 0.1"] as const;
/** The most that the log of every request may cost. */
const TARGET = 1.05;

/** What a server has used and written since its process began. */
interface Usage {
  readonly micros: number;
  readonly written: number;
  readonly lost: Readonly<Record<string, number>> | null;
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const children: Child[] = [];
try {
  const store = await openStore({
    definitions: { weekly },
    online: { store: sqliteOnlineStore(join(folder, "online.db")), retention: "1d" },
    clock: () => new Date(NOW / 1000),
  });
  await store.run(bankChanges(USERS, USERS * 70));
  await store.close();
  await compare();
} finally {
  agent.destroy();
  for (const child of children) if (!child.hasEnded) child.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const servers = startNode(
    join(import.meta.dirname, "serving-log-server.ts"),
    [folder, ...SUBJECTS.slice(1).map((subject) => subject.split(" ")[1]!)],
    { stdin: "pipe", nodeOptions: ["--disable-warning=ExperimentalWarning"] },
  );
  children.push(servers);
  const ports = (await servers.line(/^ports /)).split(" ").slice(1);
  const random = new Random(23);
  const bodies = Array.from({ length: REQUESTS }, () =>
    JSON.stringify({
      features: ["weekly_activity"],
      entities: Array.from({ length: entities }, () => ({ user_id: userName(random.int(USERS)) })),
    }),
  );
  const usage = async (subject: number, order = ""): Promise<Usage> => {
    servers.write(`${subject} ${order}\n`);
    return JSON.parse((await servers.line(/^used /)).slice("used ".length)) as Usage;
  };
  /** The microseconds of a request, in one turn. */
  const measure = async (subject: number): Promise<number> => {
    const before = await usage(subject);
    await load(`http://127.0.0.1:${ports[subject]}/v1/features`, bodies);
    return ((await usage(subject)).micros - before.micros) / REQUESTS;
  };
  const micros = SUBJECTS.map((): number[] => []);
  const turns = SUBJECTS.map((_, subject) => subject);
  for (let round = -WARM_UP; round < rounds; round++)
    // each server comes as often after one as before it, because garbage is collected later
    for (const subject of round % 2 === 0 ? turns : turns.toReversed()) {
      const used = await measure(subject);
      if (round >= 0) micros[subject]!.push(used);
      // commits are rare, and their code is warm in a server that runs for long
      else await usage(subject, "flush");
    }
  // commits are in few turns, so that a median would leave them out
  const means = micros.map((list) => list.reduce((sum, used) => sum + used, 0) / list.length);
  const ratios = means.map((mean) => Number((mean / means[0]!).toFixed(3)));
  for (const [s, subject] of SUBJECTS.entries()) {
    const { written, lost } = await usage(s);
    console.log(
      `${subject.padEnd(12)}${means[s]!.toFixed(1).padStart(6)} µs of a core per request, ` +
        `${median(micros[s]!).toFixed(1)} in the median turn   ${ratios[s]!.toFixed(3)} of off` +
        (lost === null ? "" : `   ${written} rows written, lost: ${JSON.stringify(lost)}`),
    );
  }
  const [, all, tenth] = ratios;
  console.log(
    JSON.stringify({
      bench: "serving-log",
      entities,
      rounds,
      ratio: { "sample 1": all, "sample 0.1": tenth },
      target: TARGET,
    }),
  );
}

/** Sends all bodies over a few connections, each when an answer has come. */
async function load(url: string, bodies: readonly string[]): Promise<void> {
  const waiting = bodies.values();
  const connection = async (): Promise<void> => {
    for (const body of waiting) await send(url, body);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}

function send(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { agent, method: "POST", headers: { "content-type": "application/json" } };
    request(url, options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answers ${response.statusCode}`));
      response.resume().on("end", resolve);
    })
      .on("error", reject)
      .end(body);
  });
}
