import { inspect } from "node:util";
import { isTidemarkError } from "@tidemark/core";
import { expect, test } from "vitest";
import { asTidemarkError, isConnectionLost } from "../src/errors.ts";
import { postgresOnlineStore } from "../src/index.ts";

const fromServer = (code: string): Error =>
  Object.assign(new Error("what the server says"), { code, severity: "ERROR" });
const fromSocket = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

// prettier-ignore
test.each([
  [fromServer("53100"), "ONLINE_STORE_FULL", true],
  [fromServer("53300"), "ONLINE_STORE_BUSY", true],
  [fromServer("53200"), "ONLINE_STORE_BUSY", true],
  [fromServer("57014"), "ONLINE_STORE_BUSY", true],
  [fromServer("55P03"), "ONLINE_STORE_BUSY", true],
  [fromServer("40P01"), "ONLINE_STORE_BUSY", true],
  [fromServer("25006"), "ONLINE_STORE_READ_ONLY", true],
  [fromServer("57P01"), "ONLINE_STORE_UNREACHABLE", true],
  [fromServer("57P03"), "ONLINE_STORE_UNREACHABLE", true],
  [fromServer("08006"), "ONLINE_STORE_UNREACHABLE", true],
  [fromServer("25P03"), "ONLINE_STORE_UNREACHABLE", true],
  [fromServer("58030"), "ONLINE_STORE_FAILED", true],
  [fromServer("28P01"), "ONLINE_STORE_DENIED", false],
  [fromServer("42501"), "ONLINE_STORE_DENIED", false],
  [fromServer("3D000"), "ONLINE_STORE_DENIED", false],
  [fromServer("42P01"), "ONLINE_STORE_MISSING", false],
  [fromServer("XX001"), "ONLINE_STORE_DAMAGED", false],
  [fromServer("26000"), "ONLINE_STORE_FAILED", false],
  [fromServer("42883"), "ONLINE_STORE_FAILED", false],
  [fromSocket("ECONNREFUSED"), "ONLINE_STORE_UNREACHABLE", true],
  [fromSocket("ECONNRESET"), "ONLINE_STORE_UNREACHABLE", true],
  [fromSocket("ENOTFOUND"), "ONLINE_STORE_UNREACHABLE", true],
  [new Error("Connection terminated unexpectedly"), "ONLINE_STORE_UNREACHABLE", true],
  [new Error("timeout exceeded when trying to connect"), "ONLINE_STORE_UNREACHABLE", true],
  [new Error("Query read timeout"), "ONLINE_STORE_UNREACHABLE", true],
  [fromSocket("DEPTH_ZERO_SELF_SIGNED_CERT"), "ONLINE_STORE_DENIED", false],
  [fromSocket("ERR_TLS_CERT_ALTNAME_INVALID"), "ONLINE_STORE_DENIED", false],
  [new Error("The server does not support SSL connections"), "ONLINE_STORE_DENIED", false],
  [new TypeError("no function"), "ONLINE_STORE_FAILED", false],
])("%s is %s", (error, code, retryable) => {
  const named = asTidemarkError("store", error);
  if (!isTidemarkError(named)) throw new Error("no error of Tidemark");
  expect([named.code, named.retryable, named.cause]).toEqual([code, retryable, error]);
  expect(named.message).toMatch(/^store: .*; .* \(.+\)$|^store: the client failed/);
});

test("only a lost connection leaves the outcome of a commit open", () => {
  for (const error of [
    fromServer("57P01"),
    fromSocket("ECONNRESET"),
    new Error("Query read timeout"),
  ])
    expect(isConnectionLost(error)).toBe(true);
  for (const error of [fromServer("40001"), fromServer("53100"), new TypeError("no function")])
    expect(isConnectionLost(error)).toBe(false);
});

test("no password is shown: not of an address, not of an option", async () => {
  const store = postgresOnlineStore({
    connectionString: "postgres://bank:hunter22@127.0.0.1:1/features",
  });
  expect(store.name).toBe("postgres online store 127.0.0.1:1/features");
  const failed: unknown = await store
    .open({ namespace: "default" })
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "ONLINE_STORE_UNREACHABLE", retryable: true });
  expect(inspect(failed, { depth: 9, showHidden: true })).not.toContain("hunter22");
  expect(inspect(store, { depth: 9, showHidden: true })).not.toContain("hunter22");
  const bad = (): unknown =>
    postgresOnlineStore({ connectionString: "postgres://bank:hunter22@[/features" });
  expect(bad).toThrow(expect.objectContaining({ code: "STORE_OPTIONS_INVALID" }));
  try {
    bad();
  } catch (error) {
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter22");
  }
});

test.each([{ schema: "" }, { schema: "pg_x" }, { schema: "x".repeat(64) }, { maxConnections: 0 }])(
  "%o is refused",
  (options) => {
    expect(() => postgresOnlineStore(options)).toThrow(
      expect.objectContaining({ code: "STORE_OPTIONS_INVALID" }),
    );
  },
);
