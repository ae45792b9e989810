/**
 * Sends malformed requests, in addition to those of api/fuzzed.services.test.ts. No answer is a
 * 5xx, no request ends the server, and the next answer is as before.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FeatureServer } from "@tidemark/server";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const { first: seed, runs } = seedsFromEnvironment({ runs: 1500 });
const ROUTES = [
  "/get-online-features",
  "/push",
  "/write-to-online-store",
  "/materialize",
  "/materialize-incremental",
  "/v1/features",
  "/v1/views/kinds/features",
  "/v1/push/logins",
  "/v1/materialize",
];
const GOOD = JSON.stringify({
  features: ["kinds:text", "kinds:large"],
  entities: { id: [1, "9223372036854775807"] },
});

let server: FeatureServer;
let url: string;
let healthy: string;

async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

async function answersAsBefore(): Promise<void> {
  expect(await post("/get-online-features", GOOD)).toEqual({ status: 200, text: healthy });
}

beforeAll(async () => {
  server = await shopServer({
    limits: { bodyBytes: 100_000, rows: 1000 },
    timeouts: { headers: "1s", request: "2s" },
  });
  url = await server.listen({ port: 0 });
  const { status, text } = await post("/get-online-features", GOOD);
  expect([status, text]).toEqual([200, expect.stringContaining("-9223372036854775808")]);
  healthy = text;
});
afterAll(() => server.close());

/** Makes a small generator (xorshift32), which the seed determines. */
function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const STRANGE: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "1e400",
  "-1e400",
  "1e-400",
  "9223372036854775808",
  "123456789012345678901234567890123456789012345678901234567890",
  "9".repeat(5000),
  "0.1",
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '"kinds:text"',
  '"__proto__"',
  '"constructor"',
  '"logins"',
  '"2025-03-10T00:00:00Z"',
  '"2025-02-30"',
  '"+999999-01-01T00:00:00Z"',
  "[]",
  "{}",
  "[null]",
  "[[[]]]",
  '{"__proto__":{"length":1}}',
  '{"length":4294967296}',
  '"' + "x".repeat(2000) + '"',
];
const MEMBERS = [
  "features",
  "feature_service",
  "entities",
  "full_feature_names",
  "df",
  "push_source_name",
  "feature_view_name",
  "to",
  "id",
  "rows",
  "deletes",
  "asOf",
  "metadata",
  "int64",
  "start_ts",
  "end_ts",
  "feature_views",
  "__proto__",
  "constructor",
  "toString",
  "",
  "user_id",
];

/** Makes JSON of known members and wrong values. */
function strangeJson(next: (below: number) => number, depth = 0): string {
  const kind = next(depth > 3 ? 1 : 4);
  if (kind === 0) return STRANGE[next(STRANGE.length)]!;
  const parts = Array.from({ length: next(4) }, () => strangeJson(next, depth + 1));
  if (kind === 1) return `[${parts.join(",")}]`;
  const members = parts.map((part) => `${JSON.stringify(MEMBERS[next(MEMBERS.length)])}:${part}`);
  return `{${members.join(",")}}`;
}

describe("malformed bodies", () => {
  test("random JSON, truncated JSON and wrong bytes get 4xx or 200", async () => {
    const next = random(seed);
    const seen = new Set<number>();
    for (let i = 0; i < runs; i++) {
      const path = ROUTES[next(ROUTES.length)]!;
      let bytes: Buffer<ArrayBuffer> = Buffer.from(i % 3 === 0 ? GOOD : strangeJson(next));
      if (next(4) === 0) bytes = bytes.subarray(0, next(bytes.length + 1)) as Buffer<ArrayBuffer>;
      for (let changes = next(3); changes > 0 && bytes.length > 0; changes--)
        bytes[next(bytes.length)] = next(256);
      const { status, text } = await post(path, bytes);
      expect([status < 500, path, bytes.toString("latin1"), text]).toEqual([
        true,
        path,
        bytes.toString("latin1"),
        text,
      ]);
      seen.add(status);
    }
    expect(seen).toContain(422);
    await answersAsBefore();
  }, 120_000);

  test("deep nesting, long numbers and large bodies get 4xx", async () => {
    for (const path of ROUTES) {
      for (const body of [
        "[".repeat(90_000),
        `{"entities":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
        `{"features":${'{"a":'.repeat(15_000)}1${"}".repeat(15_000)}}`,
        `{"entities":{"id":[${"9".repeat(90_000)}]}}`,
      ]) {
        const { status } = await post(path, body);
        expect([path, body.slice(0, 20), status >= 400 && status < 500]).toEqual([
          path,
          body.slice(0, 20),
          true,
        ]);
      }
      expect((await post(path, " ".repeat(100_001))).status).toBe(413);
    }
    await answersAsBefore();
  });

  test("other content types, encodings and methods get 4xx", async () => {
    for (const path of ROUTES) {
      for (const type of [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
        "%%%",
      ]) {
        const { status } = await post(path, GOOD, { "content-type": type });
        expect([path, type, status < 500]).toEqual([path, type, true]);
      }
      for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
        expect([path, method, (await fetch(`${url}${path}`, { method })).status < 500]).toEqual([
          path,
          method,
          true,
        ]);
      for (const encoding of ["gzip", "br", "identity", "nonsense"])
        expect([
          path,
          encoding,
          (
            await post(path, GOOD, {
              "content-type": "application/json",
              "content-encoding": encoding,
            })
          ).status < 500,
        ]).toEqual([path, encoding, true]);
    }
    for (const path of [
      "/%",
      "/%00",
      "/..%2f..%2fetc/passwd",
      `/${"x".repeat(5000)}`,
      "/v1/views/%E0%A4%A/features",
      "/v1/push/__proto__",
      "/v1/views/constructor/features",
      "/v1/services/%F0%9F%9C%8D/features",
    ]) {
      const { status } = await post(path, "{}");
      expect([path, status >= 400 && status < 500]).toEqual([path, true]);
    }
    await answersAsBefore();
  });
});

/** Returns what a connection receives until it ends or is silent for a while. */
async function raw(parts: readonly (string | Uint8Array)[], { pause = 0 } = {}): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let got = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("data", (data) => {
      got += data.toString("latin1");
    });
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
  });
  socket.setTimeout(5000, () => socket.destroy());
  for (const part of parts) {
    if (socket.destroyed) break;
    socket.write(part);
    if (pause > 0) await sleep(pause);
  }
  await Promise.race([ended, sleep(pause > 0 ? 4000 : 300)]);
  socket.destroy();
  await ended;
  return got;
}

const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const head = (length: number, more = ""): string =>
  "POST /get-online-features HTTP/1.1\r\nHost: localhost\r\nContent-Type: " +
  `application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe("bytes on a socket", () => {
  test("random bytes, cut-off requests and contradictory headers end no server", async () => {
    const next = random(seed + 1);
    const request = head(GOOD.length) + GOOD;
    const cases: (string | Uint8Array)[] = [
      ...Array.from({ length: 12 }, () =>
        Uint8Array.from({ length: 1 + next(600) }, () => next(256)),
      ),
      ...Array.from({ length: 12 }, () => request.slice(0, next(request.length))),
      head(GOOD.length, "Content-Length: 3\r\n") + GOOD,
      head(GOOD.length, "Transfer-Encoding: chunked\r\n") + GOOD,
      head(-1) + GOOD,
      head(1e20) + GOOD,
      `${head(GOOD.length).replace("HTTP/1.1", "HTTP/9.9")}${GOOD}`,
      head(GOOD.length, `X: ${"y".repeat(100_000)}\r\n`) + GOOD,
      head(GOOD.length, `Expect: 200-maybe\r\n`) + GOOD,
      "POST /get-online-features HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " +
        "chunked\r\nContent-Type: application/json\r\n\r\nZZZ\r\n{}\r\n0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\r\n\r\n\r\n",
      "GET /\0 HTTP/1.1\r\n\r\n",
    ];
    for (const one of cases) {
      const answer = await raw([one]);
      expect([
        Buffer.from(one).toString("latin1").slice(0, 200),
        statuses(answer).filter((status) => status >= 500),
      ]).toEqual([Buffer.from(one).toString("latin1").slice(0, 200), []]);
    }
    await answersAsBefore();
  }, 60_000);

  test("requests of a connection are answered in order; garbage closes it", async () => {
    const answer = await raw(
      [
        head(GOOD.length) + GOOD + head(2) + "{}" + head(GOOD.length) + GOOD,
        "\x00\x01\x02 nonsense\r\n\r\n",
      ],
      { pause: 500 },
    );
    expect(statuses(answer)).toEqual([200, 422, 200, 400]);
    await answersAsBefore();
  });

  test("a slow head or body times out while other requests are answered", async () => {
    const slowHead = raw([..."POST /get-online-features HTTP/1.1"], { pause: 100 });
    const slowBody = raw([head(GOOD.length), ...[...GOOD].slice(0, 40)], { pause: 100 });
    await answersAsBefore();
    expect(statuses(await slowHead).filter((status) => status !== 408)).toEqual([]);
    expect(statuses(await slowBody).filter((status) => status !== 408)).toEqual([]);
    await answersAsBefore();
  }, 30_000);
});
