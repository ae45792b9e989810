/** Tests where the credentials for Kafka Connect and Kafka may go. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectorStatus, registerConnector, type ConnectOptions } from "@tidemark/source-debezium";
import { warnOfUnencryptedLogin } from "../../src/kafka/unencrypted-login.ts";
import { expect, onTestFinished, test } from "vitest";

const database = { host: "db", user: "debezium", password: "word-of-debezium", name: "bank" };

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function warningsOf(act: () => Promise<unknown> | unknown): Promise<readonly string[]> {
  const warnings: string[] = [];
  const listener = ({ message }: Error): void => {
    warnings.push(message);
  };
  process.on("warning", listener);
  await Promise.resolve(act()).catch(() => undefined);
  await new Promise(setImmediate);
  process.off("warning", listener);
  return warnings.filter((text) => /plain HTTP|unencrypted/.test(text));
}

test("a redirect does not carry the password of the database elsewhere", async () => {
  const bodies: string[] = [];
  const elsewhere = await listening(
    createServer((request, response) => {
      request.on("data", (data: Buffer) => bodies.push(String(data)));
      request.on("end", () => response.end("{}"));
    }),
  );
  const url = await listening(
    createServer((request, response) => {
      response.writeHead(307, { location: `${elsewhere}${request.url}` }).end();
    }),
  );
  const registered = registerConnector({ url, name: "bank", database });
  await expect(registered).rejects.toMatchObject({
    code: "CONNECT_UNREACHABLE",
    message: expect.stringContaining("redirects to another address") as string,
  });
  await expect(registered).rejects.not.toThrow(/word-of-debezium/);
  expect(bodies).toEqual([]);
});

test("what Kafka Connect answers is told without the password of the database", async () => {
  const url = await listening(
    createServer((_request, response) => {
      const message = 'invalid setting database.password "word-of-debezium"';
      response.writeHead(400).end(JSON.stringify({ message }));
    }),
  );
  await expect(registerConnector({ url, name: "bank", database })).rejects.toMatchObject({
    code: "CONNECTOR_REFUSED",
    message: expect.stringContaining('database.password "[password]"') as string,
  });
});

test("headers do not go over plain HTTP to another machine, unless that is allowed", async () => {
  const at: ConnectOptions = {
    url: "http://connect.example.invalid:8083",
    name: "bank",
    headers: { authorization: "Basic word" },
  };
  await expect(connectorStatus(at)).rejects.toMatchObject({ code: "CREDENTIALS_UNENCRYPTED" });
  await expect(connectorStatus({ ...at, allowInsecure: true })).rejects.toMatchObject({
    code: "CONNECT_UNREACHABLE",
    message: expect.stringContaining("nothing answers") as string,
  });
});

test("a password in the address is refused, and in no message", async () => {
  const asked = connectorStatus({ url: "http://ana:word-of-ana@127.0.0.1:1", name: "bank" });
  await expect(asked).rejects.toMatchObject({
    code: "CONNECT_UNREACHABLE",
    message: expect.stringContaining("headers: { authorization") as string,
  });
  await expect(asked).rejects.not.toThrow(/word-of-ana/);
});

test("the password of the database over plain HTTP to another machine is warned of", async () => {
  const register = (more: object) => () =>
    registerConnector({
      url: "http://connect.example.invalid:8083",
      name: "bank",
      database,
      ...more,
    });
  expect(await warningsOf(register({}))).toEqual([
    expect.stringMatching(/^connector bank: .*over plain HTTP/) as string,
  ]);
  expect(await warningsOf(register({ allowInsecure: true }))).toEqual([]);
  expect(await warningsOf(register({ url: "http://127.0.0.1:1" }))).toEqual([]);
});

test("a password for Kafka without TLS is warned of", async () => {
  const login = (more: object) => () => {
    warnOfUnencryptedLogin("source bank", {
      brokers: ["kafka-1.bank.example:9092"],
      sasl: { mechanism: "plain" },
      ...more,
    });
  };
  expect(await warningsOf(login({}))).toEqual([
    expect.stringMatching(/goes to kafka-1\.bank\.example:9092 unencrypted.*ssl: true/) as string,
  ]);
  for (const more of [
    { ssl: true },
    { brokers: ["localhost:9092", "127.0.0.1:9093"] },
    { sasl: { mechanism: "scram-sha-512" } },
    { sasl: undefined },
  ])
    expect(await warningsOf(login(more))).toEqual([]);
});
