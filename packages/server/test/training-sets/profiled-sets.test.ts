/** Training sets over HTTP are profiled, and are references of drift. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnProfile, DriftReport, ProfileReport } from "@tidemark/core";
import * as delta from "@tidemark/delta";
import type { ServerOptions } from "@tidemark/server";
import { afterAll, afterEach, expect, test } from "vitest";
import { weekly } from "../../../core/test/support/shop.ts";
import { ask, OPERATE, PERSONAL, READ } from "../support/ask-server.ts";
import { shopServer } from "../support/shop-server.ts";

const directory = mkdtempSync(join(tmpdir(), "tidemark-profiled-sets-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
let server: Awaited<ReturnType<typeof shopServer>> | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});
let made = 0;

const ROWS = ["ann", "bob", "nobody", "ann"].map((user_id, i) => ({
  user_id,
  event_timestamp: `2026-01-05T12:00:0${i}Z`,
  label: i === 1 ? null : i,
}));

async function started(options: Partial<ServerOptions> = {}) {
  server = await shopServer(
    { ...options, trainingSets: { parquet: delta, folder: join(directory, `sets-${made}`) } },
    delta.deltaOfflineStore(delta.localObjects(join(directory, `lake-${made++}`))),
  );
  return server;
}

/** Asks for a training set, and returns its id once it is done. */
async function computed(token?: string): Promise<string> {
  const { app } = server!;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await app.inject({
    method: "POST",
    url: "/v1/training-set?features=weekly",
    payload: ROWS.map((row) => JSON.stringify(row)).join("\n"),
    headers: { "content-type": "application/x-ndjson", ...headers },
  });
  const { id } = answer.json<{ id: string }>();
  await expect
    .poll(async () => {
      const state = await app.inject({ url: `/v1/training-set/${id}`, headers });
      return state.json<{ state: string }>().state;
    })
    .toBe("done");
  return id;
}

const profiles = (report: ProfileReport): readonly (readonly [string, number, number])[] =>
  report.all.columns.map(({ column, rows, nulls }: ColumnProfile) => [column, rows, nulls]);

test("the profile of a training set is that of its rows", async () => {
  const { store } = await started();
  const id = await computed();
  const payload = { trainingSet: id };
  const { status, body } = await ask<ProfileReport>(server!, "/v1/profile", { payload });
  expect(status).toBe(200);
  expect(body.of).toEqual({ kind: "rows", name: `training set ${id}` });
  const set = await store.getHistoricalFeatures({ features: weekly, entities: ROWS } as never);
  const rows = (await set.rows()) as Record<string, unknown>[];
  const names = Object.keys(rows[0]!);
  expect(profiles(body)).toEqual(
    names.map((name) => [name, 4, rows.filter((row) => row[name] === null).length]),
  );
  expect(body.all.columns.find(({ column }) => column === "label")).toMatchObject({
    nullRate: 0.25,
    max: 3,
  });
});

test("without the scope for personal values only counts are shown", async () => {
  const scopes = ["operate", "read"] as const;
  await started({
    tokens: [
      { name: "masked", token: OPERATE, scopes },
      { name: "seeing", token: PERSONAL, scopes: [...scopes, "personal"] },
      { name: "other", token: READ, scopes },
    ],
  });
  for (const [token, isHidden] of [
    [OPERATE, true],
    [PERSONAL, false],
  ] as const) {
    const payload = { trainingSet: await computed(token) };
    const { body } = await ask<ProfileReport>(server!, "/v1/profile", { payload, token });
    const user = body.all.columns.find(({ column }) => column === "user_id")!;
    expect(user).toMatchObject({ rows: 4, nulls: 0, distinct: 3, isHidden });
    expect(user.frequent === null).toBe(isHidden);
    // a training set is its caller's alone
    expect(await ask(server!, "/v1/profile", { payload, token: READ })).toMatchObject({
      status: 404,
      body: { code: "TRAINING_SET_UNKNOWN" },
    });
  }
});

test("a view is compared with a training set and with a fixed profile", async () => {
  const { store } = await started();
  await store.materialize({ views: ["weekly"], dates: ["2026-01-03", "2026-01-04"] });
  const id = await computed();
  const asked = { view: "weekly", columns: ["payments_l1w"], profiles: true, record: false };
  const compare = async (reference: object) => {
    const payload = { ...asked, reference };
    const { status, body } = await ask<DriftReport>(server!, "/v1/drift", { payload });
    expect(status).toBe(200);
    return body;
  };
  const against = await compare({ trainingSet: id });
  expect(against.reference).toBe(`training set ${id}`);
  const [column] = against.columns;
  expect(column).toMatchObject({ column: "payments_l1w", referenceRows: 4 });
  expect(column!.profiles!.reference.rows).toBe(4);
  expect(column!.profiles!.histogram!.reference.reduce((a, b) => a + b, 0)).toBe(
    4 - column!.profiles!.reference.nulls,
  );
  const fixed = await store.profile({ view: "weekly" });
  const same = await compare({ profile: fixed.reference() });
  expect(same.columns[0]).toMatchObject({ psi: 0, ks: 0, wasserstein: 0 });
  expect(await store.driftHistory({ view: "weekly" })).toEqual([]);
});

test("wrong references are refused", async () => {
  await started();
  const unknown = "0".repeat(32);
  for (const [path, payload, status, code] of [
    ["/v1/profile", { trainingSet: unknown }, 404, "TRAINING_SET_UNKNOWN"],
    ["/v1/profile", { trainingSet: "../x" }, 404, "TRAINING_SET_UNKNOWN"],
    ["/v1/profile", { trainingSet: 5 }, 422, "REQUEST_INVALID"],
    ["/v1/drift", { view: "weekly", reference: { trainingSet: unknown } }, 404, undefined],
    ["/v1/drift", { view: "weekly", reference: { profile: 1 } }, 422, "REQUEST_INVALID"],
    ["/v1/drift", { view: "weekly", reference: { profile: {} } }, 422, "DRIFT_INVALID"],
    ["/v1/drift", { view: "weekly", reference: { to: "2026-01-01" }, record: 1 }, 422, undefined],
  ] as const) {
    const { status: answered, body } = await ask<{ code: string }>(server!, path, { payload });
    expect([path, payload, answered, body.code]).toEqual([
      path,
      payload,
      status,
      code ?? body.code,
    ]);
  }
});
