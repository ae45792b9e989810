import {
  entity,
  featureView,
  latest,
  openStore,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { afterEach, describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

const phones = pushSource("phones", {
  columns: {
    user_id: string(),
    phone: string().describe({ sensitivity: "pii" }),
    since: timestamp(),
  },
  primaryKey: ["user_id"],
  eventTime: "since",
});
const contacts = featureView("contacts", {
  entity: entity("user", { keys: { user_id: string() } }),
  source: phones,
  features: { phone: latest(phones.phone) },
});

async function personalServer(): Promise<FeatureServer> {
  const definitions = { phones, contacts };
  const store = await openStore({ definitions, offline: memoryOfflineStore() });
  const since = "2026-01-01T00:00:00Z";
  await store.push(phones, [{ user_id: "ann", phone: "079 000 00 00", since }]);
  return featureServer({ store, definitions, tokens });
}

let server: FeatureServer | null = null;
afterEach(() => server?.close());

const [OPERATE, PERSONAL, READ] = [
  "operate-0123456789",
  "personal-0123456789",
  "read-0123456789012",
];
const tokens = [
  { name: "operate", token: OPERATE, scopes: ["operate"] },
  { name: "personal", token: PERSONAL, scopes: ["operate", "personal"] },
  { name: "read", token: READ, scopes: ["read"] },
] as const;

async function explain(
  payload: object,
  token?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const { statusCode, body } = await server!.app.inject({
    method: "POST",
    url: "/v1/explain",
    payload,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: statusCode, body };
}

const asked = { feature: "weekly:spent_7d", entity: { user_id: "ann" } };

describe("POST /v1/explain", () => {
  test("answers as JSON, as text for people and as a test", async () => {
    server = await shopServer();
    const json = await explain(asked);
    expect(json.status).toBe(200);
    expect(JSON.parse(json.body)).toMatchObject({
      feature: "weekly.spent_7d",
      entity: { user_id: "ann" },
      isReproduced: true,
    });
    const text = await explain({ ...asked, format: "text" });
    expect(text.body).toMatch(/^weekly\.spent_7d of user_id "ann", as of /);
    const printed = await explain({ ...asked, format: "test" });
    expect(printed.body).toContain('import { mockStore } from "@tidemark/core/testing";');
  });

  test.each<[string, object, number, RegExp]>([
    ["no feature", { entity: {} }, 422, /feature is missing; give one feature, as in/],
    ["a view", { ...asked, feature: "weekly" }, 422, /SELECTION_INVALID.*one feature/],
    ["an unknown feature", { ...asked, feature: "weekly:spend_7d" }, 404, /did you mean/],
    [
      "no entity",
      { feature: "weekly:spent_7d" },
      422,
      /entity is missing; give an object with user_id/,
    ],
    ["a wrong key", { ...asked, entity: { user: "ann" } }, 422, /KEY_INVALID/],
    ["a wrong time", { ...asked, asOf: "yesterday" }, 422, /TIME_INVALID/],
    ["a wrong choice", { ...asked, knowledge: "known" }, 422, /knowledge is \\"known\\"; give/],
    ["too many rows", { ...asked, maxRows: 1e6 }, 422, /maxRows: give a whole number from 0/],
    ["an unknown member", { ...asked, at: "now" }, 422, /REQUEST_INVALID/],
  ])("%s is refused", async (_, payload, status, message) => {
    server = await shopServer();
    const answer = await explain(payload);
    expect(answer).toEqual({ status, body: expect.stringMatching(message) as string });
  });

  test("it needs the scope operate, and the scope personal for personal values", async () => {
    server = await personalServer();
    const personal = { feature: "contacts:phone", entity: { user_id: "ann" } };
    expect((await explain(personal)).status).toBe(401);
    expect((await explain(personal, READ)).status).toBe(403);
    const masked = JSON.parse((await explain(personal, OPERATE)).body);
    expect(masked).toMatchObject({ value: "***" });
    const shown = JSON.parse((await explain(personal, PERSONAL)).body);
    expect(shown).toMatchObject({ value: "079 000 00 00" });
    expect(await explain({ ...personal, format: "test" }, OPERATE)).toMatchObject({
      status: 403,
      body: expect.stringContaining("PERSONAL_MASKED") as string,
    });
  });
});
