/** Tests Feast from PyPI, whose remote online store is our server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { featureServer, type ServerOptions } from "@tidemark/server";
import { startProgram } from "@tidemark/testkit/child-process";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { userName } from "@tidemark/testkit/bank/transactions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { feastClient, suiteNeeding } from "@tidemark/testkit/needs";
import {
  accountMoves,
  accountState,
  definitions,
  fraud,
  LARGEST,
  NOW,
  repository,
  transactionsOf,
} from "./feast-bank.ts";
import {
  feastProcess,
  type FeastAnswer,
  type FeastProcess,
  type FeastStore,
} from "./feast-process.ts";

const TOKEN = "the-token-of-the-feast-client";
const STATUSES = ["INVALID", "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"];
const USERS = 40;

type SdkAnswer = Readonly<Record<string, { readonly value: unknown; readonly status: string }>>;

const FEATURE_TYPES = Object.assign(
  {},
  ...Object.values(repository.views).map(({ features }) => features),
) as Readonly<Record<string, "int64" | "float64" | "string">>;

/** Checks that Python's value equals ours in its type and all its bits. */
function expectSame(name: string, [type, shown]: readonly [string, string], value: unknown): void {
  if (value === null) expect([name, type, shown]).toEqual([name, "NoneType", "None"]);
  else if (FEATURE_TYPES[name] === "int64")
    expect([name, type, BigInt(shown)]).toEqual([name, "int", BigInt(value as bigint | number)]);
  else if (FEATURE_TYPES[name] === "float64")
    expect([name, type, Number(shown)]).toEqual([name, "float", value]);
  else expect([name, type, shown]).toEqual([name, "str", `'${value as string}'`]);
}

/**
 * Checks that every value and status of an answer equals that of the SDK. The names are the
 * requested names, in any order.
 */
function expectAnswer(
  answer: FeastAnswer,
  rows: readonly SdkAnswer[],
  { key, prefix = "" }: { readonly key: string; readonly prefix?: string },
): void {
  expect(answer.error, answer.message).toBeUndefined();
  expect(Object.keys(answer.values).sort()).toEqual(
    [key, ...Object.keys(rows[0]!).map((name) => prefix + name)].sort(),
  );
  rows.forEach((row, i) => {
    for (const [name, { value, status }] of Object.entries(row)) {
      expectSame(name, answer.values[prefix + name]![i]!, value);
      expect([name, i, STATUSES[answer.statuses[prefix + name]![i]!]]).toEqual([name, i, status]);
    }
  });
}

suiteNeeding(feastClient(), "Feast's client with its remote online store at our server", () => {
  let folder: string;
  let store: Store;
  let clients: FeastProcess;
  let feast: FeastStore;
  const ends: (() => Promise<unknown>)[] = [];

  async function serve(options: Partial<ServerOptions> = {}): Promise<string> {
    const server = await featureServer({ store, definitions, ...options });
    ends.push(() => server.close());
    return server.listen({ port: 0 });
  }
  const users = [0, 1, 2, 3, 4, 17, USERS - 1].map((n) => ({ user_id: userName(n) }));
  const asked = [
    ...users,
    { user_id: "nobody" },
    { user_id: "" },
    { user_id: "Hà Nội 🜍" },
    users[1]!,
  ];
  const references = Object.keys(weekly).map((name) => `weekly_activity:${name}`);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidemark-feast-server-"));
    store = await openStore({
      definitions,
      online: { store: sqliteOnlineStore(join(folder, "online.db")), retention: "forever" },
      offline: memoryOfflineStore(),
      clock: () => new Date(NOW),
    });
    ends.push(() => store.close());
    await store.run(transactionsOf(USERS, 1500));
    clients = await feastProcess(repository);
    ends.push(() => clients.close());
    feast = await clients.connect({ online_store: { type: "remote", path: await serve() } });
  }, 120_000);
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  test("features by reference equal the features of the SDK, also for unknown users", async () => {
    const { rows } = await store.getOnlineFeatures({
      features: weekly,
      entities: asked,
      metadata: true,
    });
    expectAnswer(await feast({ call: "get", features: references, entity_rows: asked }), rows, {
      key: "user_id",
    });
    expect(new Set(rows.flatMap((row) => Object.values(row).map(({ status }) => status)))).toEqual(
      new Set(["PRESENT", "NULL_VALUE", "NOT_FOUND"]),
    );
  });

  test("full names, a service, and another order of features equal the SDK's answers", async () => {
    const { rows } = await store.getOnlineFeatures({
      features: weekly,
      entities: users,
      metadata: true,
    });
    expectAnswer(
      await feast({ call: "get", features: references, entity_rows: users, full: true }),
      rows,
      { key: "user_id", prefix: "weekly_activity__" },
    );
    const { rows: served } = await store.getOnlineFeatures({
      features: fraud,
      entities: users,
      metadata: true,
    });
    expectAnswer(await feast({ call: "get", service: "fraud_v1", entity_rows: users }), served, {
      key: "user_id",
    });
    expectAnswer(
      await feast({ call: "get", service: "fraud_v1", entity_rows: users, full: true }),
      served,
      { key: "user_id", prefix: "weekly_activity__" },
    );
    const some = rows.map(({ max_amount_l1w, num_vendors_l1w }) => ({
      max_amount_l1w,
      num_vendors_l1w,
    }));
    expectAnswer(
      await feast({ call: "get", features: [references[5], references[4]], entity_rows: users }),
      some,
      { key: "user_id" },
    );
  });

  test("a float64 without a fraction is a float in Python; keys are unchanged", async () => {
    const { values } = await feast({
      call: "get",
      features: ["weekly_activity:min_amount_l1w"],
      entity_rows: [{ user_id: userName(1) }, { user_id: userName(2) }],
    });
    expect(values).toEqual({
      user_id: [
        ["str", `'${userName(1)}'`],
        ["str", `'${userName(2)}'`],
      ],
      min_amount_l1w: [
        ["float", "100.0"],
        ["float", "1e+22"],
      ],
    });
  });

  test("one request reads a thousand entities", async () => {
    const many = Array.from({ length: 1000 }, (_, n) => ({
      user_id: userName((n * 7) % (USERS + 5)),
    }));
    expectAnswer(
      await feast({ call: "get", features: references, entity_rows: many }),
      (await store.getOnlineFeatures({ features: weekly, entities: many, metadata: true })).rows,
      { key: "user_id" },
    );
  });

  test("rows that the client pushes are served at once to the client and the SDK", async () => {
    const at = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();
    const pushed = await feast({
      call: "push",
      source: "balances",
      df: {
        account_id: [7, 9_007_199_254_740_993, 8],
        balance: [0.1, 2, null],
        credit_limit: [1, 2, 5],
        tier: ["gold", null, "é"],
        event_timestamp: [at(30), at(20), at(20_000)],
      },
    });
    expect(pushed.error, pushed.message).toBeUndefined();
    const written = await feast({
      call: "write",
      view: "account_state",
      df: {
        account_id: [7],
        balance: [-2.5],
        credit_limit: [4],
        tier: ["gold"],
        event_timestamp: [at(10)],
      },
    });
    expect(written.error, written.message).toBeUndefined();
    const entities = [7, 8, 9].map((account_id) => ({ account_id }));
    const { rows: state } = await store.getOnlineFeatures({
      features: accountState,
      entities,
      metadata: true,
    });
    expect(state[0]).toMatchObject({
      balance: { value: -2.5, status: "PRESENT" },
      credit_limit: { value: 4n },
    });
    expect(state[1]).toMatchObject({ balance: { value: null, status: "OUTSIDE_MAX_AGE" } });
    const names = (view: string, of: object): string[] =>
      Object.keys(of).map((name) => `${view}:${name}`);
    expectAnswer(
      await feast({
        call: "get",
        features: names("account_state", accountState),
        entity_rows: entities,
      }),
      state,
      { key: "account_id" },
    );
    const { rows: moves } = await store.getOnlineFeatures({
      features: accountMoves,
      entities,
      metadata: true,
    });
    expect(moves[0]).toMatchObject({ moves_l1d: { value: 2 }, limits_l1d: { value: 5n } });
    expectAnswer(
      await feast({
        call: "get",
        features: names("account_moves", accountMoves),
        entity_rows: entities,
      }),
      moves,
      { key: "account_id" },
    );

    await store.push(definitions.balances, [
      {
        account_id: LARGEST,
        balance: null,
        credit_limit: -LARGEST,
        tier: null,
        event_timestamp: new Date(NOW - 1000),
      },
    ]);
    // a key that no double holds, sent and received
    const large = await feast({
      call: "get",
      features: ["account_state:credit_limit"],
      entity_rows: [{ account_id: "9223372036854775807" }],
    });
    expect(large.values).toEqual({
      account_id: [["int", String(LARGEST)]],
      credit_limit: [["int", String(-LARGEST)]],
    });
    const texts = await feast({
      call: "get",
      features: ["account_state:tier"],
      entity_rows: [{ account_id: "7" }],
    });
    expect(texts.values["tier"]).toEqual([["str", "'gold'"]]);
  });

  test("the client raises Feast's exception with the server's message", async () => {
    const wrong = async (
      question: Readonly<Record<string, unknown>>,
    ): Promise<[string | undefined, string | undefined]> => {
      const { error, message } = await feast({ call: "get", entity_rows: users, ...question });
      return [error, message];
    };
    expect(await wrong({ features: ["weekly_activity:num_transaction_l1w"] })).toEqual([
      "feast.errors.SpecifiedFeaturesNotPresentError",
      expect.stringContaining("did you mean"),
    ]);
    expect(await wrong({ features: ["weekly_activty:num_transactions_l1w"] })).toEqual([
      "feast.errors.FeatureViewNotFoundException",
      expect.stringContaining("weekly_activity"),
    ]);
    expect(await wrong({ features: [references[0]], entity_rows: [{ account_id: 1 }] })).toEqual([
      "feast.errors.FeastEntityDFMissingColumnsError",
      expect.stringContaining("user_id"),
    ]);
    expect((await wrong({ features: [references[0]], entity_rows: [{ user_id: null }] }))[0]).toBe(
      "feast.errors.FeastError",
    );
    expect(
      (await wrong({ features: ["account_state:tier"], entity_rows: [{ account_id: 1.5 }] }))[0],
    ).toBe("feast.errors.FeastError");
    const windows = await feast({
      call: "write",
      view: "weekly_activity",
      df: {
        ...Object.fromEntries(Object.keys(weekly).map((name) => [name, [1]])),
        user_id: ["a"],
        event_timestamp: [new Date(NOW).toISOString()],
      },
    });
    expect(windows.error).toMatch(/^feast\.errors\./);
    // after all these requests, answers are unchanged
    expectAnswer(
      await feast({ call: "get", features: references, entity_rows: users }),
      (await store.getOnlineFeatures({ features: weekly, entities: users, metadata: true })).rows,
      { key: "user_id" },
    );
  });

  test("the client reads with its oidc token, and is refused with another token", async () => {
    const path = await serve({
      tokens: [
        { name: "feast", token: TOKEN, scopes: ["read"] },
        { name: "pusher", token: `${TOKEN}-of-a-pusher`, scopes: ["push"] },
      ],
    });
    const question = { call: "get", features: references, entity_rows: users };
    const online_store = { type: "remote", path };
    const named = await clients.connect({ online_store, auth: { type: "oidc", token: TOKEN } });
    const other = await clients.connect({
      online_store,
      auth: { type: "oidc", token: `${TOKEN}-of-a-pusher` },
    });
    const nobody = await clients.connect({ online_store });
    expectAnswer(
      await named(question),
      (await store.getOnlineFeatures({ features: weekly, entities: users, metadata: true })).rows,
      { key: "user_id" },
    );
    expect(await other(question)).toMatchObject({
      error: "feast.errors.FeastPermissionError",
      message: expect.stringContaining("read") as string,
    });
    expect(await nobody(question)).toMatchObject({
      error: "feast.errors.FeastPermissionError",
      message: expect.stringContaining("Authorization: Bearer") as string,
    });
  });

  test("the client reads features over TLS with the certificate of its configuration", async () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    await startProgram("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]).succeeded();
    const path = await serve({
      tls: { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") },
    });
    expect(path).toMatch(/^https:/);
    const trusting = await clients.connect({ online_store: { type: "remote", path, cert } });
    expectAnswer(
      await trusting({ call: "get", features: references, entity_rows: users }),
      (await store.getOnlineFeatures({ features: weekly, entities: users, metadata: true })).rows,
      { key: "user_id" },
    );
  });
});
