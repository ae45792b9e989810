/**
 * Tests the edges of Trino's protocol that a healthy server does not show, with a server of our
 * own.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { historyTables, queryTrino } from "../src/index.ts";

let server: Server | undefined;
afterEach(
  () =>
    new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }
    }),
);

type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

/** Answers each request with `answer`. Returns the address and the received requests. */
async function serveAnswers(
  answer: (request: IncomingMessage, url: string, nth: number) => Answer | Promise<Answer>,
): Promise<{ readonly url: string; readonly requests: string[] }> {
  const requests: string[] = [];
  let url = "";
  server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const [status, body, headers = {}] = await answer(request, url, requests.length);
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server!.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return { url, requests };
}

test("all pages of a result are read, also empty ones; integers keep their digits", async () => {
  const { url, requests } = await serveAnswers(({ url: path }, at) => {
    if (path === "/v1/statement") return [200, { id: "q", nextUri: `${at}/1` }];
    if (path === "/1")
      return [200, `{"id":"q","nextUri":"${at}/2","data":[[9007199254740993,1.5],[2,null]]}`];
    return path === "/2"
      ? [200, { id: "q", nextUri: `${at}/3` }]
      : [200, `{"id":"q","data":[[-9007199254740993,"x"]]}`];
  });
  expect(await queryTrino({ url }, "SELECT 1")).toEqual([
    [9007199254740993n, 1.5],
    [2, null],
    [-9007199254740993n, "x"],
  ]);
  expect(requests).toEqual(["POST /v1/statement", "GET /1", "GET /2", "GET /3"]);
});

test("a server that is busy is asked again", async () => {
  const { url, requests } = await serveAnswers((_, __, nth) =>
    nth < 3 ? [nth === 1 ? 503 : 429, "busy"] : [200, { id: "q", data: [[1]] }],
  );
  expect(await queryTrino({ url }, "SELECT 1")).toEqual([[1]]);
  expect(requests).toHaveLength(3);
});

test("a query for which there is no worker yet is asked again", { timeout: 20_000 }, async () => {
  const { url, requests } = await serveAnswers((_, __, nth) => [
    200,
    nth === 1
      ? {
          id: "q",
          error: { message: "No nodes available to run query", errorName: "NO_NODES_AVAILABLE" },
        }
      : { id: "q", data: [[1]] },
  ]);
  expect(await queryTrino({ url }, "SELECT 1")).toEqual([[1]]);
  expect(requests).toEqual(["POST /v1/statement", "POST /v1/statement"]);
});

test("a query's error has Trino's message", async () => {
  const { url } = await serveAnswers(() => [
    200,
    {
      id: "q",
      error: { message: "line 1:8: Column 'x' cannot be resolved", errorName: "COLUMN_NOT_FOUND" },
    },
  ]);
  await expect(queryTrino({ url }, "SELECT x")).rejects.toMatchObject({
    code: "TRINO_QUERY_FAILED",
    message:
      `trino ${url}: line 1:8: Column 'x' cannot be resolved (COLUMN_NOT_FOUND, in SELECT x); ` +
      "correct it, or look at the query in Trino's console",
  });
});

test("a refused user, an unreachable address and another server are named errors", async () => {
  const { url } = await serveAnswers(({ headers }) =>
    headers.authorization === `Basic ${Buffer.from("ana:word").toString("base64")}`
      ? [200, "<html>"]
      : [401, "Unauthorized"],
  );
  await expect(queryTrino({ url }, "SELECT 1")).rejects.toMatchObject({ code: "TRINO_DENIED" });
  await expect(
    queryTrino({ url, user: "ana", password: "word" }, "SELECT 1"),
  ).rejects.toMatchObject({
    code: "TRINO_UNREACHABLE",
    message: expect.stringContaining("no Trino"),
  });
  await expect(queryTrino({ url: "127.0.0.1:8080" }, "SELECT 1")).rejects.toMatchObject({
    code: "TRINO_UNREACHABLE",
    message: expect.stringContaining("write https://host:port"),
  });
  server!.close();
  server!.closeAllConnections();
  await expect(queryTrino({ url }, "SELECT 1")).rejects.toMatchObject({
    code: "TRINO_UNREACHABLE",
    message: expect.stringContaining("nobody answers"),
  });
});

describe("the password", () => {
  const login = { user: "ana", password: "word-of-ana" };

  test("goes to the coordinator's own origin only: results elsewhere are refused", async () => {
    const received: string[] = [];
    const other = createServer((request, response) => {
      received.push(request.headers.authorization ?? "");
      response.end('{"id":"q","data":[[1]]}');
    });
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", resolve);
    });
    const elsewhere = `http://localhost:${(other.address() as { port: number }).port}`;
    for (const answer of [
      [200, { id: "q", nextUri: `${elsewhere}/1` }],
      [200, { id: "q", nextUri: "/relative" }],
      [307, "", { location: `${elsewhere}/v1/statement` }],
      [302, "", { location: "/elsewhere" }],
    ] as const) {
      const { url, requests } = await serveAnswers(() => answer);
      const asked = queryTrino({ url, ...login }, "SELECT 1");
      await expect(asked).rejects.toMatchObject({
        code: "TRINO_UNREACHABLE",
        message: expect.stringMatching(/the results are at|it redirects to/) as string,
      });
      await expect(asked).rejects.not.toThrow(/word-of-ana/);
      expect(requests).toHaveLength(1);
      server!.close();
      server!.closeAllConnections();
    }
    other.close();
    expect(received).toEqual([]);
  });

  test("does not go over plain HTTP to another machine, unless that is allowed", async () => {
    const refused = expect.objectContaining({
      code: "CREDENTIALS_UNENCRYPTED",
      message: expect.stringContaining("allowInsecure: true") as string,
    }) as Error;
    const url = "http://trino.example.invalid:8080";
    await expect(queryTrino({ url, ...login }, "SELECT 1")).rejects.toEqual(refused);
    for (const allowed of [
      { url, ...login, allowInsecure: true },
      { url, user: "ana" },
    ])
      await expect(queryTrino(allowed, "SELECT 1")).rejects.toMatchObject({
        code: "TRINO_UNREACHABLE",
        message: expect.stringContaining("nobody answers") as string,
      });
  });

  test("in the address is refused, and in no message", async () => {
    for (const url of ["http://ana:word-of-ana@127.0.0.1:1", "ftp://ana:word-of-ana@trino"]) {
      const asked = queryTrino({ url }, "SELECT 1");
      await expect(asked).rejects.toMatchObject({ code: "TRINO_UNREACHABLE" });
      await expect(asked).rejects.not.toThrow(/word-of-ana/);
    }
  });
});

test("a query that is given up is cancelled", async () => {
  const stop = new AbortController();
  const { url, requests } = await serveAnswers(async ({ method }, at, nth) => {
    if (nth === 2) {
      stop.abort();
      await sleep(50);
    }
    return method === "DELETE" ? [204, ""] : [200, { id: "q", nextUri: `${at}/next` }];
  });
  await expect(queryTrino({ url, signal: stop.signal }, "SELECT 1")).rejects.toThrow();
  expect(requests).toContain("DELETE /next");
});

test("a source has two tables, by names that Trino takes and where the history puts them", () => {
  expect(historyTables(["Card Payments"], "s3://bank/lake/")).toEqual([
    { table: "card_payments_changes", location: "s3://bank/lake/Card_Payments/changes" },
    { table: "card_payments_versions", location: "s3://bank/lake/Card_Payments/versions" },
  ]);
});
