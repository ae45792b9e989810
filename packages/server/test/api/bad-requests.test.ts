import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer({ limits: { entities: 3, features: 4, bodyBytes: 10_000 } });
});
afterAll(() => server.close());

async function refused(
  url: string,
  payload: string | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly code: string; readonly message: string }> {
  const answer = await server.app.inject({
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: answer.statusCode, ...(answer.json() as { code: string; message: string }) };
}

const ann = { user_id: "ann" };
const FEATURES = "/v1/features";

test.each<[string, string, string | object, number, string, string]>([
  [
    "a misspelt service",
    "/v1/services/everythin/features",
    { entities: [] },
    404,
    "SERVICE_UNKNOWN",
    '"everythin"; did you mean "everything"?',
  ],
  [
    "a misspelt view",
    "/v1/views/weekley/features",
    { entities: [] },
    404,
    "VIEW_UNKNOWN",
    '"weekley"; did you mean "weekly"?',
  ],
  [
    "a misspelt service or view",
    FEATURES,
    { features: ["evrything"], entities: [] },
    404,
    "FEATURE_UNKNOWN",
    'did you mean "everything"?',
  ],
  [
    "a misspelt feature",
    FEATURES,
    { features: ["weekly:spend_7d"], entities: [] },
    404,
    "FEATURE_UNKNOWN",
    'view "weekly" has no feature "spend_7d"; did you mean "spent_7d"?',
  ],
  [
    "a misspelt feature of a view",
    FEATURES,
    { features: ["wekly:spent_7d"], entities: [] },
    404,
    "VIEW_UNKNOWN",
    'did you mean "weekly"?',
  ],
  [
    "a name that resembles no other",
    FEATURES,
    { features: ["zzzzzzzzzzzz"], entities: [] },
    404,
    "FEATURE_UNKNOWN",
    "there are everything, ",
  ],
  [
    "a name of 100,000 characters",
    FEATURES,
    { features: ["z".repeat(5000)], entities: [] },
    404,
    "FEATURE_UNKNOWN",
    `"${"z".repeat(100)}…"`,
  ],
  [
    "__proto__ as a view",
    "/v1/views/__proto__/features",
    { entities: [] },
    404,
    "VIEW_UNKNOWN",
    '"__proto__"',
  ],
  [
    "constructor as a feature",
    FEATURES,
    { features: ["weekly:constructor"], entities: [] },
    404,
    "FEATURE_UNKNOWN",
    '"constructor"',
  ],
  [
    "a text that is not a reference",
    FEATURES,
    { features: ["weekly:spent_7d:x"], entities: [] },
    422,
    "REQUEST_INVALID",
    "is not a reference; write a service, a view",
  ],
  [
    "__proto__ as another name",
    FEATURES,
    { features: ["weekly:spent_7d as __proto__"], entities: [] },
    422,
    "REQUEST_INVALID",
    "is not a reference",
  ],
  [
    "one name for two features",
    FEATURES,
    { features: ["weekly", "weekly:spent_7d"], entities: [] },
    422,
    "NAME_TAKEN",
    '"spent_7d" is both',
  ],
  [
    "a name that is a key",
    FEATURES,
    { features: ["weekly:spent_7d as user_id"], entities: [] },
    422,
    "NAME_TAKEN",
    "which is a key",
  ],
  [
    "no features",
    FEATURES,
    { features: [], entities: [] },
    422,
    "REQUEST_INVALID",
    "features is an empty list",
  ],
  ["features left out", FEATURES, { entities: [] }, 422, "REQUEST_INVALID", "features is missing"],
  [
    "features as numbers",
    FEATURES,
    { features: [1], entities: [] },
    422,
    "REQUEST_INVALID",
    "features[0] is a number",
  ],
  [
    "too many features",
    FEATURES,
    { features: ["a", "b", "c", "d", "e"], entities: [] },
    422,
    "TOO_MANY_FEATURES",
    "has 5 names, and a request may have 4",
  ],
  [
    "entities left out",
    FEATURES,
    { features: ["weekly"] },
    422,
    "REQUEST_INVALID",
    "entities is missing",
  ],
  [
    "entities by column",
    FEATURES,
    { features: ["weekly"], entities: { user_id: ["ann"] } },
    422,
    "REQUEST_INVALID",
    "entities is an object; give a list of objects",
  ],
  [
    "too many entities",
    FEATURES,
    { features: ["weekly"], entities: [ann, ann, ann, ann] },
    422,
    "TOO_MANY_ENTITIES",
    "has 4 rows, and a request may have 3",
  ],
  [
    "a misspelt option",
    FEATURES,
    { features: ["weekly"], entities: [ann], asof: "2026-01-01T00:00:00Z" },
    422,
    "REQUEST_INVALID",
    '"asof", which is not known here; did you mean "asOf"?',
  ],
  [
    "features in the body of a service",
    "/v1/services/everything/features",
    { features: ["weekly"], entities: [] },
    422,
    "REQUEST_INVALID",
    '"features", which is not known here',
  ],
  [
    "an entity that is not an object",
    FEATURES,
    { features: ["weekly"], entities: [ann, "bob"] },
    422,
    "KEY_INVALID",
    "entity row 1: it is a string; give an object with user_id",
  ],
  [
    "an entity that is null",
    FEATURES,
    { features: ["weekly"], entities: [null] },
    422,
    "KEY_INVALID",
    "entity row 0: it is null",
  ],
  [
    "an entity that is a list",
    FEATURES,
    { features: ["kinds"], entities: [[1]] },
    422,
    "KEY_INVALID",
    "entity row 0: key id is missing",
  ],
  [
    "a key left out (a ragged row)",
    FEATURES,
    { features: ["weekly"], entities: [ann, {}] },
    422,
    "KEY_INVALID",
    "entity row 1: key user_id is missing",
  ],
  [
    "a key that is null",
    FEATURES,
    { features: ["weekly"], entities: [{ user_id: null }] },
    422,
    "KEY_INVALID",
    "entity row 0: key user_id: null is not allowed",
  ],
  [
    "a key too many",
    FEATURES,
    { features: ["weekly"], entities: [ann, { ...ann, shop_id: 1 }] },
    422,
    "KEY_INVALID",
    "entity row 1: shop_id is no key",
  ],
  [
    "a key of another type",
    FEATURES,
    { features: ["weekly"], entities: [ann, { user_id: 5 }] },
    422,
    "KEY_INVALID",
    "entity row 1: key user_id: 5 is not a string",
  ],
  [
    "an int64 that is text",
    FEATURES,
    { features: ["kinds"], entities: [{ id: "1" }, { id: "one" }] },
    422,
    "KEY_INVALID",
    'entity row 1: key id: "one" is not an int64',
  ],
  [
    "an int64 with a fraction",
    FEATURES,
    { features: ["kinds"], entities: [{ id: 1.5 }] },
    422,
    "KEY_INVALID",
    "1.5 is not an int64",
  ],
  [
    "an int64 too large",
    FEATURES,
    '{"features":["kinds"],"entities":[{"id":9223372036854775808}]}',
    422,
    "KEY_INVALID",
    "9223372036854775808n is not an int64",
  ],
  [
    "an int64 far too large",
    FEATURES,
    `{"features":["kinds"],"entities":[{"id":${"9".repeat(5000)}}]}`,
    422,
    "KEY_INVALID",
    "is not an int64",
  ],
  [
    "an int64 as a double beyond 2^53",
    FEATURES,
    '{"features":["kinds"],"entities":[{"id":1e300}]}',
    422,
    "KEY_INVALID",
    "is not an int64",
  ],
  [
    "a key called __proto__",
    FEATURES,
    '{"features":["weekly"],"entities":[{"user_id":"ann","__proto__":{"a":1}}]}',
    422,
    "KEY_INVALID",
    "__proto__ is no key",
  ],
  [
    "a body member called __proto__",
    FEATURES,
    '{"features":["weekly"],"entities":[],"__proto__":{"metadata":true}}',
    422,
    "REQUEST_INVALID",
    '"__proto__", which is not known here',
  ],
  [
    "asOf as a number",
    FEATURES,
    { features: ["weekly"], entities: [ann], asOf: 1767614400 },
    422,
    "TIME_INVALID",
    "asOf is a number; write it as",
  ],
  [
    "asOf without a zone",
    FEATURES,
    { features: ["weekly"], entities: [ann], asOf: "2026-01-05T12:00:00" },
    422,
    "TIME_INVALID",
    "a time without a zone",
  ],
  [
    "asOf on 30 February",
    FEATURES,
    { features: ["weekly"], entities: [ann], asOf: "2026-02-30T12:00:00Z" },
    422,
    "TIME_INVALID",
    "2026-02-30",
  ],
  [
    "asOf beyond 2^53 µs",
    FEATURES,
    { features: ["weekly"], entities: [ann], asOf: "9999-01-01T00:00:00Z" },
    422,
    "TIME_INVALID",
    "asOf",
  ],
  [
    "metadata as text",
    FEATURES,
    { features: ["weekly"], entities: [ann], metadata: "true" },
    422,
    "REQUEST_INVALID",
    "metadata is a string; give true or false",
  ],
  [
    "int64 as something else",
    FEATURES,
    { features: ["weekly"], entities: [ann], int64: "bigint" },
    422,
    "REQUEST_INVALID",
    'int64 is "bigint"; give "string" or "number"',
  ],
  ["a list as the body", FEATURES, "[]", 422, "REQUEST_INVALID", "the body is a list"],
  ["null as the body", FEATURES, "null", 422, "REQUEST_INVALID", "the body is null"],
  [
    "half a body",
    FEATURES,
    '{"features":["weekly"',
    422,
    "REQUEST_INVALID",
    "the body is not JSON",
  ],
  [
    "NaN in a body",
    FEATURES,
    '{"features":["kinds"],"entities":[{"id":NaN}]}',
    422,
    "REQUEST_INVALID",
    "the body is not JSON",
  ],
  [
    "a deeply nested body",
    FEATURES,
    "[".repeat(9000),
    422,
    "REQUEST_INVALID",
    "more than 500 levels deep",
  ],
  [
    "a body too large",
    FEATURES,
    JSON.stringify({ features: ["weekly"], entities: [{ user_id: "a".repeat(10_000) }] }),
    413,
    "BODY_TOO_LARGE",
    "10000 bytes",
  ],
])("%s is refused with its code and the next step", async (_, url, payload, status, code, says) => {
  const found = await refused(url, payload);
  expect([found.status, found.code]).toEqual([status, code]);
  expect(found.message).toContain(says);
});

describe("requests that reach no route", () => {
  test("an empty body is 422, and another content type is 415", async () => {
    expect(await refused(FEATURES, "")).toMatchObject({ status: 422, code: "REQUEST_INVALID" });
    expect(
      await refused(FEATURES, "features=weekly", {
        "content-type": "application/x-www-form-urlencoded",
      }),
    ).toMatchObject({ status: 415, code: "MEDIA_TYPE_UNKNOWN" });
  });

  test("a wrong method is 405 with the header Allow", async () => {
    const answer = await server.app.inject({ method: "GET", url: FEATURES });
    expect([answer.statusCode, answer.headers.allow, answer.json().code]).toEqual([
      405,
      "POST",
      "METHOD_UNKNOWN",
    ]);
  });

  test("an unknown method at an unknown path is 422", async () => {
    const answer = await server.app.inject({ method: "QUERY" as never, url: "/nowhere" });
    expect([answer.statusCode, answer.json().code]).toEqual([422, "REQUEST_INVALID"]);
  });

  test("an unknown path is 404", async () => {
    expect(await refused("/v1/feature", {})).toMatchObject({ status: 404, code: "ROUTE_UNKNOWN" });
  });
});

test("each route requires its scope, and /openapi.json requires none", async () => {
  const guarded = await shopServer({
    tokens: [{ name: "scoring", token: "a-token-for-scoring-alone", scopes: ["read"] }],
  });
  const statusOf = async (method: "GET" | "POST", url: string, token?: string) =>
    (
      await guarded.app.inject({
        method,
        url,
        ...(method === "POST" ? { payload: { features: ["weekly"], entities: [ann] } } : {}),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      })
    ).statusCode;
  expect([
    await statusOf("POST", FEATURES),
    await statusOf("POST", FEATURES, "another-token-than-that-one"),
    await statusOf("POST", FEATURES, "a-token-for-scoring-alone"),
  ]).toEqual([401, 401, 200]);
  expect([
    await statusOf("GET", "/v1/definitions", "a-token-for-scoring-alone"),
    await statusOf("GET", "/v1/status", "a-token-for-scoring-alone"),
    await statusOf("GET", "/openapi.json"),
  ]).toEqual([200, 403, 200]);
  await guarded.close();
});
