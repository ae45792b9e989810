/** A client that cannot reach its server says why, and what to do. */
import { createServer, type Server } from "node:http";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
} from "node:net";
import { createClient, type ClientOptions } from "@tidemark/client";
import {
  count,
  entity,
  featureView,
  isTidemarkError,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";
import { afterEach, expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: string(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const activity = featureView("activity", {
  entity: user,
  source: logins,
  features: { n: count().over("1d") },
});

const servers: (Server | TcpServer)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function failure(options: ClientOptions): Promise<readonly [string, string]> {
  try {
    await createClient({ retries: 0, ...options }).getOnlineFeatures({
      features: activity,
      entity: { user_id: "ann" },
    });
  } catch (error) {
    if (isTidemarkError(error)) return [error.code, error.message];
    throw error;
  }
  return ["", ""];
}

test.each([6566, 6000, 10080, 22, 6697])("port %i of the list that fetch blocks", async (port) => {
  const [code, message] = await failure({ url: `http://127.0.0.1:${port}` });
  expect([code, message]).toEqual(["PORT_BLOCKED", expect.stringContaining("6570")]);
  // the list is that of this runtime's fetch
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
    cause: { message: "bad port" },
  });
});

test("a fetch of one's own may reach a blocked port, and is explained if not", async () => {
  const url = "http://127.0.0.1:6566";
  expect((await failure({ url, fetch: (...asked) => fetch(...asked) }))[0]).toBe("PORT_BLOCKED");
});

test("nothing listens at the port", async () => {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  const [code, message] = await failure({ url: `http://127.0.0.1:${port}` });
  expect([code, message]).toEqual([
    "SERVER_UNAVAILABLE",
    expect.stringContaining("start tidemark serve"),
  ]);
});

test("http to a TLS port, and https to a plain one", async () => {
  const plain = await listening(createServer((_, response) => response.end()));
  expect((await failure({ url: `https://127.0.0.1:${plain}` }))[0]).toBe("SERVER_TLS_FAILED");
});

const system =
  (code: string): ClientOptions["fetch"] =>
  () =>
    Promise.reject(
      new TypeError("fetch failed", {
        cause: Object.assign(new Error(code.toLowerCase()), { code }),
      }),
    );

test.each([
  ["ENOTFOUND", "SERVER_NAME_UNKNOWN", "DNS"],
  ["EAI_AGAIN", "SERVER_NAME_UNKNOWN", "repeat the call"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "SERVER_TLS_FAILED", "NODE_EXTRA_CA_CERTS"],
  ["CERT_HAS_EXPIRED", "SERVER_TLS_FAILED", "expired"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "SERVER_TLS_FAILED", "another name"],
  ["UND_ERR_CONNECT_TIMEOUT", "SERVER_UNAVAILABLE", "firewalls"],
  ["UND_ERR_SOCKET", "SERVER_UNAVAILABLE", "broke"],
  ["SOMETHING_NEW", "SERVER_UNAVAILABLE", "check that it runs"],
])("%s is %s with its next step", async (given, code, says) => {
  const [found, message] = await failure({ url: "http://127.0.0.1:6570", fetch: system(given) });
  expect([found, message]).toEqual([code, expect.stringContaining(says)]);
});

test.each(["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."])(
  "a browser's %s names the likely causes",
  async (text) => {
    const [code, message] = await failure({
      url: "http://127.0.0.1:6570",
      fetch: () => Promise.reject(new TypeError(text)),
    });
    expect([code, message]).toEqual(["FETCH_FAILED", expect.stringMatching(/CORS.*https/s)]);
  },
);

test.each([
  [502, "did not reach the server"],
  [504, "took longer than a proxy waits"],
  [413, "takes no body of this size"],
  [200, "check the url"],
])("a page of a proxy with status %i says what the status means", async (status, says) => {
  const port = await listening(
    createServer((_, response) =>
      response
        .writeHead(status, { "content-type": "text/html" })
        .end("<html><h1>nginx</h1></html>"),
    ),
  );
  const [code, message] = await failure({ url: `http://127.0.0.1:${port}` });
  expect([code, message]).toEqual(["ANSWER_INVALID", expect.stringContaining(says)]);
  expect(message).toContain(`status ${status}`);
  expect(message).toContain("text/html");
});
