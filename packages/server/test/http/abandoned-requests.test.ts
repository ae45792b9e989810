/** Callers that go away, read nothing, or send many requests at once take no place for good. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

type Server = Awaited<ReturnType<typeof shopServer>>;
let server: Server;
let port: number;
let url: string;

async function start(options: Parameters<typeof shopServer>[0]): Promise<void> {
  server = await shopServer(options);
  url = await server.listen({ port: 0 });
  port = Number(new URL(url).port);
}
afterEach(() => server.close());

async function opened(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function inFlight(): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/tidemark_http_requests_in_flight (\d+)/.exec(text)![1]);
}

/** Waits until as many requests are in flight. The last number is the result. */
async function inFlightUntil(expected: number): Promise<number> {
  for (let tries = 0; tries < 60; tries++) {
    if ((await inFlight()) === expected) break;
    await sleep(50);
  }
  return inFlight();
}

const large = JSON.stringify({
  features: Array.from({ length: 20 }, (_, i) => `weekly:payments_l1w as a${i}`),
  entities: Array.from({ length: 10_000 }, (_, i) => ({ user_id: `u${i}` })),
  metadata: true,
});

function post(path: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

const small = JSON.stringify({ features: ["weekly:payments_l1w"], entities: [{ user_id: "ann" }] });

describe("a place in flight", () => {
  test("is free when the connection of pipelined requests has closed", async () => {
    await start({ limits: { requestsInFlight: 40 } });
    for (const request of [
      "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
      post("/v1/features", small),
    ])
      for (let round = 0; round < 3; round++) {
        const socket = await opened();
        socket.write(request.repeat(20), () => socket.destroy());
        await once(socket, "close");
      }
    expect(await inFlightUntil(0)).toBe(0);
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => fetch(`${url}/health`).then(({ status }) => status)),
    );
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
  });

  test("is free when a caller leaves in the middle of an answer", async () => {
    await start({ limits: { requestsInFlight: 10 } });
    for (let i = 0; i < 10; i++) {
      const end = new AbortController();
      const response = await fetch(`${url}/v1/features`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: large,
        signal: end.signal,
      });
      expect(response.status).toBe(200);
      await response.body!.getReader().read();
      end.abort();
    }
    expect(await inFlightUntil(0)).toBe(0);
  });

  test("is free when nobody reads the answer within timeouts.answer", async () => {
    await start({ timeouts: { answer: "300ms" } });
    const socket = await opened();
    socket.pause();
    socket.write(post("/v1/features", large));
    await sleep(100);
    const closed = once(socket.resume(), "close");
    socket.pause();
    expect(await inFlightUntil(0)).toBe(0);
    socket.resume();
    await closed;
  });

  test("is not taken by health, metrics and the OpenAPI document", async () => {
    await start({ limits: { requestsInFlight: 1 } });
    const stuck = new Promise<never>(() => undefined);
    Object.assign(server.store, { getOnlineColumns: () => stuck });
    const socket = await opened();
    socket.write(post("/v1/features", small));
    expect(await inFlightUntil(1)).toBe(1);
    expect((await fetch(`${url}/v1/definitions`)).status).toBe(503);
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect([200, 503]).toContain((await fetch(`${url}/health`)).status);
    socket.destroy();
    expect(await inFlightUntil(0)).toBe(0);
  });
});

test("requests of one connection beyond requestsPerConnection are refused", async () => {
  await start({ limits: { requestsPerConnection: 5 } });
  const socket = await opened();
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  socket.write(post("/v1/features", small).repeat(9));
  while (text.split("HTTP/1.1 ").length <= 9) await once(socket, "data");
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  expect(statuses).toEqual([200, 200, 200, 200, 200, 503, 503, 503, 503]);
  expect(text).toContain("limits.requestsPerConnection allows 5");
  // after the answers the connection takes requests again
  text = "";
  socket.write(post("/v1/features", small));
  await once(socket, "data");
  expect(text).toContain("HTTP/1.1 200");
  socket.destroy();
});

test("connections beyond limits.connections are closed", async () => {
  await start({ limits: { connections: 2 } });
  const held = [await opened(), await opened()];
  const third = await opened();
  await once(third, "close");
  expect(held.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  for (const socket of held) socket.destroy();
});

describe("the log of a server", () => {
  test("has no failure when a caller goes away before its answer", async () => {
    const lines: string[] = [];
    await start({ log: { write: (line) => lines.push(line) } });
    for (let round = 0; round < 5; round++) {
      const socket = await opened();
      socket.write(post("/v1/features", large).repeat(10));
      await sleep(40 + 20 * round);
      socket.destroy();
    }
    const gone = (): boolean => lines.some((line) => line.includes("closed its connection"));
    for (let tries = 0; tries < 60 && !gone(); tries++) await sleep(50);
    expect(await inFlightUntil(0)).toBe(0);
    expect(gone()).toBe(true);
    expect(lines.filter((line) => line.includes("a request failed"))).toEqual([]);
  });
});

describe("a path that is no URL", () => {
  test("is refused with a code of Tidemark and the next step", async () => {
    await start({});
    const response = await fetch(`${url}/v1/%zz`);
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      code: "REQUEST_INVALID",
      message: "the request: its path is no valid URL; send a path of /openapi.json, and % as %25",
    });
  });
});
