/** Tests what is said of connectors that cannot be asked. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { ConnectorConfig } from "../../src/config/connectors-config.ts";
import { env, secretsOf } from "../../src/config/secret.ts";
import { connectorStates } from "../../src/serve/connector-states.ts";

/** Answers as Kafka Connect's REST API does, and returns the address. */
async function connect(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const statesOf = (connectors: readonly ConnectorConfig[], signal = new AbortController().signal) =>
  connectorStates(connectors, secretsOf({ connect: env("TIDEMARK_TEST_CONNECT") }))!(signal);

const unknown = { state: null, worker: null, reason: null, tasks: [] };

test("a configuration without connectors asks nothing", () => {
  expect(connectorStates(undefined, secretsOf({}))).toBeUndefined();
  expect(connectorStates([], secretsOf({}))).toBeUndefined();
});

test("an error is told of its connector alone, without the secret", async () => {
  process.env["TIDEMARK_TEST_CONNECT"] = "Basic swordfish-123";
  onTestFinished(() => {
    delete process.env["TIDEMARK_TEST_CONNECT"];
  });
  const url = await connect(({ url: path, headers }, response) => {
    const { authorization } = headers;
    if (path!.includes("/absent/")) response.writeHead(404).end("{}");
    else if (path!.includes("/refused/"))
      response.writeHead(500).end(JSON.stringify({ message: `not as ${authorization!}` }));
    else
      response.end(
        JSON.stringify({
          name: "bank",
          connector: { state: "RUNNING", worker_id: "one:8083" },
          tasks: [
            {
              id: 0,
              state: "FAILED",
              worker_id: "two:8083",
              trace: `Stopped\n\tat a.b(C)\nCaused by: refused ${authorization!}\n\tat d.e(F)`,
            },
          ],
        }),
      );
  });
  const at = { url, authorization: "connect" };
  const states = await statesOf([
    { ...at, name: "bank" },
    { ...at, name: "absent" },
    { ...at, name: "refused" },
    { url: "http://127.0.0.1:1", name: "nobody" },
    { url: "http://connect.example:8083", name: "plain", authorization: "connect" },
  ]);
  expect(states).toEqual([
    {
      name: "bank",
      state: "RUNNING",
      worker: "one:8083",
      reason: null,
      tasks: [{ id: 0, state: "FAILED", worker: "two:8083", reason: "refused [secret connect]" }],
      error: null,
    },
    {
      ...unknown,
      name: "absent",
      error: "Kafka Connect has no connector of this name; check the name",
    },
    {
      ...unknown,
      name: "refused",
      error: "connector refused: Kafka Connect answered 500 to GET: not as [secret connect]",
    },
    {
      ...unknown,
      name: "nobody",
      error: expect.stringContaining("nothing answers at http://127.0.0.1:1") as string,
    },
    { ...unknown, name: "plain", error: expect.stringContaining("plain HTTP") as string },
  ]);
});

test("a Kafka Connect that does not answer holds up nobody for long", async () => {
  const url = await connect(() => undefined);
  const ask = connectorStates([{ url, name: "bank" }], secretsOf({}), 100)!;
  const states = await ask(new AbortController().signal);
  expect(states).toEqual([
    { ...unknown, name: "bank", error: "Kafka Connect did not answer within 100 ms" },
  ]);
});

test("a caller that goes away ends the question", async () => {
  const ending = new AbortController();
  const url = await connect(() => {
    ending.abort();
  });
  await expect(statesOf([{ url, name: "bank" }], ending.signal)).rejects.toMatchObject({
    name: "AbortError",
  });
});
