/**
 * Measures P3: `/get-online-features` for one entity and seven window features of about 70 events.
 * `node:http` is the first comparison: it echoes a body of the answer's size. Feast's server from
 * PyPI is the second: its SQLite online store holds seven precomputed features. All servers get the
 * same load generator on a core of its own, and share the other core one after the other. `npm run
 * bench -- http steady` sends requests at a fixed rate while another process writes into the same
 * file. It checks that p99 stays the same.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { micros, openStore, type Store } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { userName } from "@tidemark/testkit/bank/transactions";
import {
  type Child,
  type NodeOptions,
  startNode,
  startProgram,
} from "@tidemark/testkit/child-process";
import { bankChanges, NOW } from "./bank.ts";
import { median } from "./figures.ts";
import type { LoadSettings, LoadResult } from "./http-load.ts";

const USERS = 4000;
const EVENTS = USERS * 70;
const CONNECTIONS = 16;
const TARGET = { ofEcho: 0.6, overFeast: 20 };
const names = Object.keys(weekly);
const feastPython = join(import.meta.dirname, "../.tidemark/feast/bin/python");
const pinned = availableParallelism() > 1 && (await works("taskset", ["--version"]));

const [first = "", ...more] = process.argv.slice(2);
const steady = first === "steady";
const seconds = Number((steady ? more[0] : first) ?? "") || (steady ? 60 : 5);
const rounds = steady ? 0 : Number(more[0] ?? "") || 5;

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const online = join(folder, "online.db");
const children: Child[] = [];
const groups = new Set<Child>();
try {
  const store = await openStore({
    definitions: { weekly },
    online: { store: sqliteOnlineStore(online), retention: "1d" },
    clock: () => new Date(NOW / 1000),
  });
  await store.run(bankChanges(USERS, EVENTS));
  if (!pinned)
    console.log("taskset is not there: the processes share their cores as the system likes");
  if (steady) await measureSteadiness();
  else await compare(store);
  await store.close();
} finally {
  for (const child of children) stop(child);
  rmSync(folder, { recursive: true, force: true });
}

async function compare(store: Store): Promise<void> {
  const tidemark = await serverOf("tidemark", online);
  const path = `http://127.0.0.1:${tidemark}/get-online-features`;
  const bodies = feastBodies(2000);
  const answer = await answered(path, bodies[0]!);
  const subjects: {
    readonly name: string;
    readonly url: string;
    readonly bodies: readonly string[];
  }[] = [
    // the larger of the request and the answer
    {
      name: "node:http echo",
      url: `http://127.0.0.1:${await serverOf("echo")}/`,
      bodies: bodies.map((body) => body.padEnd(answer.length)),
    },
    { name: "tidemark /get-online-features", url: path, bodies },
    // every entity is requested repeatedly and nothing is written, so answers are cached; this run
    // has no answer cache
    {
      name: "tidemark, each computed",
      url: `http://127.0.0.1:${await serverOf("computed", online)}/get-online-features`,
      bodies,
    },
    {
      name: "tidemark /v1/features",
      url: `http://127.0.0.1:${tidemark}/v1/features`,
      bodies: apiBodies(2000),
    },
  ];
  await answered(subjects[3]!.url, subjects[3]!.bodies[0]!);
  const feast = existsSync(feastPython) ? await startFeast(store) : null;
  if (feast === null) console.log("Feast is not there; `npm run setup:python -- feast` brings it");
  else {
    await expectSameAnswers(path, feast, bodies.slice(0, 20));
    subjects.push({ name: "Feast's server", url: feast, bodies });
  }
  console.log(
    `${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s; ` +
      `an answer has ${answer.length} bytes\n`,
  );

  const results = new Map<string, LoadResult[]>(subjects.map(({ name }) => [name, []]));
  for (const { url, bodies: asked } of subjects)
    // until the JIT compilers are done
    await load({ url, bodies: asked, connections: CONNECTIONS, seconds: 5 });
  for (let round = 0; round < rounds; round++) {
    for (const { name, url, bodies: asked } of subjects)
      results
        .get(name)!
        .push(await load({ url, bodies: asked, connections: CONNECTIONS, seconds }));
  }
  const figure = (name: string, of: "perSecond" | "p50" | "p99"): number =>
    median(results.get(name)!.map((result) => result[of]));
  for (const { name } of subjects) {
    console.log(
      `${name.padEnd(32)}${figure(name, "perSecond").toFixed(0).padStart(8)} requests/s   p50 ` +
        `${figure(name, "p50").toFixed(2).padStart(7)} ms   p99 ` +
        `${figure(name, "p99").toFixed(2).padStart(7)} ms`,
    );
  }
  const over = (a: string, b: string): number =>
    Number((figure(a, "perSecond") / figure(b, "perSecond")).toFixed(2));
  const [echo, ours, computed, api] = subjects.map(({ name }) => name) as [
    string,
    string,
    string,
    string,
  ];
  const overFeast = (name: string): number | null =>
    feast === null ? null : over(name, "Feast's server");
  const ratio = {
    ofEcho: over(ours, echo),
    computedOfEcho: over(computed, echo),
    apiOfEcho: over(api, echo),
    overFeast: overFeast(ours),
    computedOverFeast: overFeast(computed),
  };
  console.log(
    JSON.stringify({
      bench: "http",
      ratio,
      target: TARGET,
      requestsPerSecond: Object.fromEntries(
        subjects.map(({ name }) => [name, Math.round(figure(name, "perSecond"))]),
      ),
    }),
  );
}

/**
 * Measures the pauses of the server. The rate is far below the server's limit, so that no queue
 * forms.
 */
async function measureSteadiness(): Promise<void> {
  const rate = 1500;
  const port = await serverOf("tidemark", online);
  const writer = startOn(1, "http-writer.ts", [online, "500"], { stdin: "pipe" });
  children.push(writer);
  let written = 0;
  writer.onLine = (line) => {
    written = Number(line);
  };
  const order = {
    url: `http://127.0.0.1:${port}/get-online-features`,
    bodies: feastBodies(2000),
    connections: CONNECTIONS,
    rate,
  };
  await load({ ...order, seconds: 3 });
  const { windows, perSecond } = await load({ ...order, seconds, windows: 10 });
  await sleep(1000); // the last of the writer's lines
  windows.forEach((window, i) =>
    console.log(
      `${`${Math.round((i * seconds) / 10)} s`.padStart(6)}  ${window.perSecond.toFixed(0)} ` +
        `requests/s   p50 ${window.p50.toFixed(2)} ms   p99 ${window.p99.toFixed(2)} ms`,
    ),
  );
  const half = (list: readonly { readonly p99: number }[]): number =>
    median(list.map(({ p99 }) => p99));
  const [early, late] = [half(windows.slice(0, 5)), half(windows.slice(5))];
  console.log(
    JSON.stringify({
      bench: "http steady",
      requestsPerSecond: Math.round(perSecond),
      changesWritten: written,
      p99: { firstHalf: Number(early.toFixed(2)), secondHalf: Number(late.toFixed(2)) },
      ratio: Number((late / early).toFixed(2)),
      target: 1.5,
    }),
  );
}

/** Makes bodies as Feast's remote online store sends them. */
function feastBodies(count: number): readonly string[] {
  const random = new Random(23);
  const asked = {
    full_feature_names: false,
    include_feature_view_version_metadata: false,
    features: names.map((name) => `weekly_activity:${name}`),
  };
  return Array.from({ length: count }, () =>
    JSON.stringify({ entities: { user_id: [userName(random.int(USERS))] }, ...asked }),
  );
}

function apiBodies(count: number): readonly string[] {
  const random = new Random(23);
  return Array.from({ length: count }, () =>
    JSON.stringify({
      features: ["weekly_activity"],
      entities: [{ user_id: userName(random.int(USERS)) }],
    }),
  );
}

async function answered(url: string, body: string): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answers ${response.status}: ${text}`);
  return text;
}

/** Checks that both servers give the same features, so that the comparison is fair. */
async function expectSameAnswers(
  ours: string,
  theirs: string,
  bodies: readonly string[],
): Promise<void> {
  const values = async (url: string, body: string): Promise<string> => {
    const { metadata, results } = JSON.parse(await answered(url, body)) as {
      metadata: { feature_names: string[] };
      results: { values: unknown[] }[];
    };
    return JSON.stringify(
      metadata.feature_names.map((name, i) => [name, results[i]!.values]).sort(),
    );
  };
  for (const body of bodies) {
    const [a, b] = [await values(ours, body), await values(theirs, body)];
    if (a !== b) throw new Error(`the servers answer ${body} differently: ${a} and ${b}`);
  }
}

/** Returns the command that binds a process to a core, on systems that have it. */
function boundTo(core: 0 | 1): readonly string[] {
  return pinned ? ["taskset", "-c", String(core)] : [];
}

/** Starts a program of this folder on a core. */
function startOn(
  core: 0 | 1,
  program: string,
  args: readonly string[],
  options: NodeOptions,
): Child {
  return startNode(join(import.meta.dirname, program), args, {
    ...options,
    through: boundTo(core),
    nodeOptions: ["--disable-warning=ExperimentalWarning"],
  });
}

async function serverOf(...args: readonly string[]): Promise<string> {
  const child = startOn(0, "http-server.ts", args, { stdin: "pipe" });
  children.push(child);
  return child.line();
}

async function startFeast(store: Store): Promise<string> {
  const own = join(folder, "feast");
  mkdirSync(own);
  const rows: object[] = [];
  for (let n = 0; n < USERS; n++) {
    const row = await store.getOnlineFeatures({
      features: weekly,
      entity: { user_id: userName(n) },
      asOf: micros(NOW),
    });
    rows.push({ user_id: userName(n), ...row });
  }
  writeFileSync(join(own, "rows.json"), JSON.stringify(rows));
  const port = await freePort();
  // its worker is a separate process, which would stay
  const child = startProgram(
    feastPython,
    [join(import.meta.dirname, "peers/feast_serve.py"), own, String(port)],
    { through: boundTo(0), detached: true },
  );
  groups.add(child);
  children.push(child);
  for (let tries = 0; tries < 600; tries++) {
    if (child.hasEnded) throw child.failure("ended");
    if (
      await fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return `http://127.0.0.1:${port}/get-online-features`;
    await sleep(200);
  }
  throw child.failure("does not answer");
}

function stop(child: Child): void {
  if (child.pid === undefined || child.hasEnded) return;
  if (groups.has(child)) process.kill(-child.pid, "SIGKILL");
  else child.kill();
}

async function load(order: LoadSettings): Promise<LoadResult> {
  const child = startOn(1, "http-load.ts", [], { input: JSON.stringify(order) });
  return JSON.parse((await child.succeeded()).stdout) as LoadResult;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function works(program: string, args: readonly string[]): Promise<boolean> {
  return startProgram(program, args).ended.then(
    ({ code }) => code === 0,
    () => false,
  );
}
