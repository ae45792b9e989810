/**
 * `tidemark serve` as a process: what it says, who may ask, how it ends, and what it does when one
 * of its processes is killed.
 */
import { readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type Child, startProgram } from "@tidemark/testkit/child-process";
import { describe, expect, test } from "vitest";
import { Project, type CommandResult } from "../support/project.ts";

const TOKEN = "the-token-of-this-test";
const features = `
import {
  count, entity, featureView, float64, int64, pushSource, string, sum, timestamp,
} from "@tidemark/core";
const user = entity("user", { keys: { user_id: string() } });
const columns = { id: int64(), user_id: string(), amount: float64(), time: timestamp() };
const payments = pushSource("payments", { columns, primaryKey: ["id"], eventTime: "time" });
const features = { number: count().over("7d"), total: sum(payments.amount).over("7d") };
export const weekly = featureView("weekly", { entity: user, source: payments, features });
`;

function project(server: string, more = ""): Project {
  const made = new Project();
  made.write("features.ts", features);
  made.write(
    "tidemark.config.ts",
    `
import { defineConfig, env, file } from "@tidemark/cli";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: () => sqliteOnlineStore("online.db"),
  ${more}
  server: ${server},
});
`,
  );
  return made;
}

interface Served {
  readonly url: string;
  readonly child: Child;
  readonly ended: Promise<CommandResult>;
}

async function serve(made: Project, ...args: string[]): Promise<Served> {
  const { child, ended } = made.start(["serve", "--port", "0", "--json", ...args]);
  return { url: (JSON.parse(await child.line()) as { address: string }).address, child, ended };
}

interface Reply {
  readonly status: number;
  readonly body: string;
  /** The answer ended the connection. */
  readonly last: boolean;
}

function ask(
  url: string,
  method: string,
  body: unknown,
  options: { readonly agent?: Agent; readonly ca?: string; readonly token?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    };
    const { agent, ca } = options;
    const asked = (url.startsWith("https") ? httpsRequest : httpRequest)(
      url,
      {
        method,
        headers,
        ...(agent === undefined ? {} : { agent }),
        ...(ca === undefined ? {} : { ca, agent: false }),
      },
      (answer) => {
        let text = "";
        answer
          .setEncoding("utf8")
          .on("data", (chunk: string) => {
            text += chunk;
          })
          .on("end", () => {
            resolve({
              status: answer.statusCode!,
              body: text,
              last: answer.headers.connection === "close",
            });
          })
          .on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const QUESTION = { features: ["weekly:number", "weekly:total"], entities: { user_id: ["ann"] } };
const asking = (url: string, options?: Parameters<typeof ask>[3]): Promise<Reply> =>
  ask(`${url}/get-online-features`, "POST", QUESTION, options);
const counted = (metrics: string): number =>
  [
    ...metrics.matchAll(
      /^tidemark_http_requests_total\{route="\/get-online-features",status="200"\} (\d+)/gm,
    ),
  ].reduce((sum, [, n]) => sum + Number(n), 0);

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what()))
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
}

describe("the command", () => {
  test("serves pushed rows with a token, and SIGTERM ends it with 0", async () => {
    const made = project(
      '{ tokens: [{ name: "all", scopes: ["read", "push", "operate"], secret: "token" }], ' +
        'shutdown: { gracePeriod: "0s" } }',
      'secrets: { token: env("TIDEMARK_TEST_TOKEN") },',
    );
    process.env["TIDEMARK_TEST_TOKEN"] = TOKEN;
    const { url, child, ended } = await serve(made);
    expect((await asking(url)).status).toBe(401);
    const frame = {
      push_source_name: "payments",
      df: {
        id: [1, 2],
        user_id: ["ann", "ann"],
        amount: [1.5, 2],
        event_timestamp: [
          new Date(Date.now() - 5000).toISOString(),
          new Date(Date.now() - 1000).toISOString(),
        ],
      },
    };
    expect((await ask(`${url}/push`, "POST", frame, { token: TOKEN })).status).toBe(200);
    expect((await asking(url, { token: TOKEN })).body).toContain(
      '{"values":[3.5],"statuses":["PRESENT"]',
    );
    expect((await ask(`${url}/health`, "GET", undefined)).status).toBe(200);
    child.kill("SIGTERM");
    const { code, stdout, stderr, audit } = await ended;
    expect([code, stdout.trim().split("\n").length]).toEqual([0, 1]);
    expect(audit).toMatchObject([
      { action: "authenticate", outcome: "refused", caller: null, address: "127.0.0.1" },
      { action: "push", outcome: "done", caller: "all", source: "payments", rows: 2, position: 1 },
    ]);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      lines.map(({ route, status, entities, caller }) => [route, status, entities, caller]),
    ).toEqual([
      ["/get-online-features", 401, 0, undefined],
      ["/push", 200, 2, "all"],
      ["/get-online-features", 200, 1, "all"],
      ["/health", 200, 0, undefined],
    ]);
    expect(stderr).not.toContain("ann");
    expect(stdout + stderr).not.toContain(TOKEN);
  });

  test.each<[string, string, readonly string[], number, RegExp]>([
    [
      "a member that is none",
      "{ prt: 1 }",
      [],
      1,
      /CONFIG_.*server has no member "prt"; did you mean "port"\?/,
    ],
    [
      "a port that is none",
      "{ port: 70000 }",
      [],
      1,
      /server\.port must be a whole number from 0 to 65535/,
    ],
    [
      "a token in the configuration",
      '{ tokens: [{ name: "a", scopes: ["read"], token: "the-secret-itself" }] }',
      [],
      1,
      /the configuration never holds a token itself/,
    ],
    [
      "a secret that is none",
      '{ tokens: [{ name: "a", scopes: ["read"], secret: "b" }] }',
      [],
      1,
      /tokens\[0\]\.secret is none of secrets/,
    ],
    [
      "a scope that is none",
      `{ tokens: [{ name: "a", scopes: ["reed"], sha256: "${"0".repeat(64)}" }] }`,
      [],
      1,
      /SERVER_OPTIONS_INVALID: .*there is no scope "reed"/,
    ],
    [
      "a limit that is none",
      "{ limits: { entites: 5 } }",
      [],
      1,
      /OPTION_UNKNOWN: .*no option "entites"; did you mean "entities"/,
    ],
    [
      "a certificate that is not there",
      '{ tls: { cert: "cert.pem", key: "key.pem" } }',
      [],
      1,
      /CONFIG_NOT_OPENED: .*cert\.pem cannot be read \(ENOENT\)/,
    ],
    ["everybody, from everywhere", '{ host: "0.0.0.0" }', [], 1, /SERVER_OPEN: .*anonymous: true/],
    [
      "everybody, from everywhere, in several processes",
      '{ host: "0.0.0.0", workers: 2 }',
      [],
      1,
      /SERVER_OPEN: .*anonymous: true/,
    ],
    [
      "a port on the command line that is none",
      "{}",
      ["--port", "x"],
      2,
      /--port x is no whole number from 0 to 65535/,
    ],
  ])("refuses %s", async (_, server, args, code, message) => {
    const ran = await project(server).run("serve", ...args);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain("the-secret-itself");
    expect([ran.code, ran.stdout]).toEqual([code, ""]);
  });

  test("a second server at the same port is refused", async () => {
    const made = project("{}");
    const { url } = await serve(made);
    const ran = await made.run("serve", "--port", new URL(url).port);
    expect(ran.stderr).toMatch(/PORT_TAKEN: .*port \d+ .*--port/);
    expect(ran.code).toBe(1);
  });

  test.each([1, 2])(
    "with %d processes, SIGHUP reads the tokens in files again, and callers may overlap",
    async (workers) => {
      const [first, second] = ["the-first-token-of-all", "the-second-token-of-all"];
      const made = project(
        `{
          tokens: [{ name: "all", scopes: ["read"], secret: ["token", "fixed"] }],
          workers: ${workers}, log: false, shutdown: { gracePeriod: "0s" },
        }`,
        'secrets: { token: file("token"), fixed: env("TIDEMARK_TEST_TOKEN") },\n' +
          'audit: { file: "audit.jsonl" },',
      );
      process.env["TIDEMARK_TEST_TOKEN"] = TOKEN;
      made.write("token", `${first}\n`);
      const { url, child, ended } = await serve(made);
      const statuses = async (): Promise<number[]> =>
        Promise.all(
          [TOKEN, first, second].map(async (token) => (await asking(url, { token })).status),
        );
      const renewed = async (expected: readonly number[]): Promise<void> => {
        child.kill("SIGHUP");
        // each process is asked often enough that one with the old tokens would answer
        for (let same = 0; same < 8;)
          if (String(await statuses()) === String(expected)) same++;
          else await new Promise((resolve) => setTimeout(resolve, 20));
      };
      expect(await statuses()).toEqual([200, 200, 401]);
      made.write("token", `${first}\n${second}\n`);
      await renewed([200, 200, 200]);
      made.write("token", second);
      await renewed([200, 401, 200]);
      made.write("token", "short");
      child.kill("SIGHUP");
      await child.printed("the tokens stay as they are: server: token");
      expect(await statuses()).toEqual([200, 401, 200]);
      const lines = made.read("audit.jsonl").trim().split("\n").length;
      renameSync(made.path("audit.jsonl"), made.path("audit.old"));
      made.write("token", second);
      await renewed([200, 401, 200]);
      child.kill("SIGTERM");
      const { stderr, audit } = await ended;
      expect(stderr).not.toMatch(new RegExp([TOKEN, first, second].join("|")));
      expect(audit).toEqual([]);
      expect(lines).toBeGreaterThan(0);
      expect(made.read("audit.jsonl")).toContain('"action":"authenticate"');
      expect(statSync(made.path("audit.jsonl")).mode & 0o777).toBe(0o600);
    },
  );

  test(
    "TLS: a certificate that is renewed holds for new connections after SIGHUP, and one that is " +
      "broken changes nothing",
    async () => {
      const made = project(
        '{ tls: { cert: "cert.pem", key: "key.pem" }, shutdown: { gracePeriod: "0s" } }',
      );
      const certificate = async (name: string): Promise<string> => {
        await startProgram("openssl", [
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-keyout",
          made.path("key.pem"),
          "-out",
          made.path("cert.pem"),
          "-days",
          "2",
          "-subj",
          `/CN=${name}`,
          "-addext",
          "subjectAltName=IP:127.0.0.1",
        ]).succeeded();
        return readFileSync(made.path("cert.pem"), "utf8");
      };
      const first = await certificate("first");
      const { url, child, ended } = await serve(made);
      expect(url).toMatch(/^https:/);
      expect((await asking(url, { ca: first })).status).toBe(200);
      const second = await certificate("second");
      await expect(asking(url, { ca: second })).rejects.toThrow();
      child.kill("SIGHUP");
      await until(() =>
        asking(url, { ca: second }).then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
      made.write("cert.pem", "no certificate");
      child.kill("SIGHUP");
      await child.printed("the certificate stays as it is");
      expect((await asking(url, { ca: second })).status).toBe(200);
      child.kill("SIGTERM");
      expect((await ended).stderr).toContain("the certificate stays as it is");
    },
  );
});

/**
 * Callers who ask again and again, each on a connection that it keeps, until they are told to stop;
 * or, behind a balancer, by an answer that ends the connection.
 */
function callers(url: string, number: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: number });
  const tally = { answered: 0, wrong: [] as Reply[], failed: [] as string[], stop: false };
  const one = async (): Promise<void> => {
    while (!tally.stop) {
      try {
        const reply = await asking(url, { agent });
        if (reply.status === 200) tally.answered++;
        else tally.wrong.push(reply);
        if (reply.last) return;
      } catch (error) {
        tally.failed.push((error as { code?: string }).code ?? String(error));
      }
    }
  };
  const done = Promise.all(Array.from({ length: number }, one)).finally(() => {
    agent.destroy();
  });
  return { tally, done };
}

/** Returns the ids of the processes that a server has started. */
async function workersOf({ pid }: Child): Promise<number[]> {
  const { stdout } = await startProgram("pgrep", ["-P", String(pid)]).ended;
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [Number(line)]));
}

describe("under load", () => {
  test.each(["1", "2"])(
    "with --workers %s SIGTERM loses no request: what a process has begun is answered, and " +
      "who comes later finds nobody",
    async (workers) => {
      const { url, child, ended } = await serve(
        project('{ shutdown: { gracePeriod: "1s" } }'),
        "--workers",
        workers,
      );
      const { tally, done } = callers(url, 8);
      await until(async () => tally.answered > 200);
      child.kill("SIGTERM");
      await done;
      const { code, stderr } = await ended;
      const begun = stderr
        .split("\n")
        .filter((line) => line.includes('"route":"/get-online-features"'))
        .map((line) => (JSON.parse(line) as { status: number }).status);
      expect([code, tally.wrong, tally.answered, begun.every((status) => status === 200)]).toEqual([
        0,
        [],
        begun.length,
        true,
      ]);
      // a connection that the system had taken and no process yet: its caller knows that nobody
      // began on it
      expect(
        tally.failed.every((one) => one === "ECONNRESET") && tally.failed.length <= 8,
        tally.failed.join(),
      ).toBe(true);
    },
  );

  test(
    "a process that is killed is replaced; only what it worked on is lost; the counters of all " +
      "are summed, and /health is well again",
    async () => {
      const { url, child, ended } = await serve(
        project('{ log: false, workers: 2, shutdown: { gracePeriod: "0s" } }'),
      );
      const { tally, done } = callers(url, 8);
      await until(async () => tally.answered > 200);
      const before = await workersOf(child);
      expect(before.length).toBe(2);
      process.kill(before[0]!, "SIGKILL");
      await until(async () => {
        const now = await workersOf(child);
        return now.length === 2 && !now.includes(before[0]!);
      });
      const reached = tally.answered;
      await until(async () => tally.answered > reached + 500);
      tally.stop = true;
      await done;
      expect(tally.wrong).toEqual([]);
      // one for each connection that it held
      expect(tally.failed.length).toBeLessThanOrEqual(8);
      expect((await ask(`${url}/health`, "GET", undefined)).status).toBe(200);
      const total = async (): Promise<number> =>
        counted((await ask(`${url}/metrics`, "GET", undefined)).body);
      const start = await total();
      for (let i = 0; i < 10; i++) await asking(url);
      expect(await total()).toBe(start + 10);
      // those of the killed one are gone with it
      expect(start).toBeGreaterThanOrEqual(500);
      child.kill("SIGTERM");
      const { code, stderr } = await ended;
      expect(code).toBe(0);
      expect(stderr).toBe(
        `warning: process ${before[0]} ended (SIGKILL); another takes its place\n`,
      );
    },
  );

  test("every process answers for the training sets of all, at its end none is left", async () => {
    const made = project(
      '{ log: false, workers: 2, shutdown: { gracePeriod: "0s" }, ' +
        'trainingSets: { folder: "sets" } }',
      'offline: () => deltaOfflineStore(localObjects("lake")),',
    );
    made.write(
      "tidemark.config.ts",
      'import { deltaOfflineStore, localObjects } from "@tidemark/delta";\n' +
        made.read("tidemark.config.ts"),
    );
    const { url, child, ended } = await serve(made);
    const time = "2026-01-05T12:00:00Z";
    const rows = [{ id: 1, user_id: "ann", amount: 2.5, time }];
    expect((await ask(`${url}/v1/push/payments`, "POST", { rows })).status).toBe(200);
    const asked = await fetch(`${url}/v1/training-set?features=weekly`, {
      method: "POST",
      body: '{"user_id":"ann","event_timestamp":"2026-01-06T00:00:00Z"}',
    });
    const job = (await asked.json()) as { readonly url: string; readonly result: string | null };
    expect(asked.status).toBe(202);
    const isDone = async (): Promise<boolean> => {
      const { body } = await ask(`${url}${job.url}`, "GET", undefined);
      return (JSON.parse(body) as { readonly state: string }).state === "done";
    };
    await until(isDone);
    // a new connection each time, which the system gives to either process
    for (let i = 0; i < 20; i++)
      expect((await ask(`${url}${job.url}/result`, "GET", undefined)).status).toBe(200);
    expect(readdirSync(made.path("sets")).length).toBe(1);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
    expect(readdirSync(made.path("sets"))).toEqual([]);
  });

  test("SIGTERM stops a replaced worker too, without a kill", async () => {
    const { url, child, ended } = await serve(
      project('{ log: false, workers: 2, shutdown: { gracePeriod: "0s" } }'),
    );
    expect((await asking(url)).status).toBe(200);
    const [killed] = await workersOf(child);
    process.kill(killed!, "SIGKILL");
    await child.printed("another takes its place");
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(stderr).toBe(`warning: process ${killed} ended (SIGKILL); another takes its place\n`);
    expect(code).toBe(0);
  });
});
