import { toJson } from "@tidemark/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lastLogin, shopServer, signedIn } from "../support/shop-server.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer({ limits: { rows: 3 } });
});
afterAll(() => server.close());

async function push(
  payload: string | object,
  source = "logins",
): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
  const answer = await server.app.inject({
    method: "POST",
    url: `/v1/push/${source}`,
    payload,
    headers: { "content-type": "application/json" },
  });
  return { status: answer.statusCode, json: answer.json() };
}
const time = "2026-01-05T11:30:00Z";

test("pushed rows are served with every digit", async () => {
  const pushed = await push(
    '{"rows":[{"id":9223372036854775807,"user_id":"ann","device":"phone","score":0.5,' +
      `"fee":"1.50","extra":{"n":9223372036854775807},"raw":"AP8B","time":"${time}"},` +
      '{"id":"2","user_id":"ann","score":"NaN","time":"2026-01-05T11:00:00Z"}]}',
  );
  expect(pushed).toEqual({
    status: 200,
    json: { rows: 2, deletes: 0, position: 1, committed: "2026-01-05T12:00:00.000000Z" },
  });
  const answer = await server.app.inject({
    method: "POST",
    url: "/v1/features",
    payload: { features: ["signed_in", "last_login"], entities: [{ user_id: "ann" }] },
  });
  expect(answer.body).toContain(
    '[{"logins_l1d":2,"scores_l1d":0.5,"device":"phone","last_fee":"1.50",' +
      '"login_extra":{"n":9223372036854775807},"login_raw":"AP8B"}]',
  );
  const [row] = await server.store.getOnlineFeatures({
    features: [signedIn, lastLogin],
    entities: [{ user_id: "ann" }],
  });
  expect(answer.json<{ rows: object[] }>().rows[0]).toEqual(toJson(row));
});

test("a push with the same id gets the first answer and changes nothing", async () => {
  const payload = { rows: [{ id: 10, user_id: "bob", time }], id: "first" };
  const [once, again] = [await push(payload), await push(payload)];
  expect(again).toEqual(once);
  expect(await push({ ...payload, deletes: [{ id: 11 }] })).toMatchObject({
    status: 409,
    json: { code: "PUSH_ID_TAKEN" },
  });
});

test("a deleted row is no longer served", async () => {
  await push({ rows: [{ id: 20, user_id: "eve", time }] });
  expect((await push({ deletes: [{ id: "20" }] })).json).toMatchObject({ rows: 0, deletes: 1 });
  expect([
    ...(await server.store.getOnlineFeatures({
      features: signedIn.logins_l1d,
      entities: [{ user_id: "eve" }],
    })),
  ]).toEqual([{ logins_l1d: 0 }]);
});

test.each<[string, object, string, number, string, string]>([
  ["a misspelt source", { rows: [] }, "login", 404, "SOURCE_UNKNOWN", 'did you mean "logins"?'],
  ["a source that a log feeds", { rows: [] }, "payments", 422, "PUSH_NOT_ALLOWED", "never both"],
  ["an empty body", {}, "logins", 422, "REQUEST_INVALID", "neither rows nor deletes"],
  [
    "columns",
    { rows: { id: [1] } },
    "logins",
    422,
    "REQUEST_INVALID",
    "rows is an object; give a list of objects",
  ],
  [
    "too many rows",
    { rows: [1, 2, 3, 4] },
    "logins",
    422,
    "TOO_MANY_ROWS",
    "has 4 rows, and a request may have 3",
  ],
  [
    "a row that is a number",
    { rows: [{ id: 1, user_id: "ann", time }, 5] },
    "logins",
    422,
    "PUSH_INVALID",
    "row 1: it must be an object",
  ],
  [
    "a value of another type",
    { rows: [{ id: 1, user_id: "ann", time, device: 5 }] },
    "logins",
    422,
    "PUSH_INVALID",
    'row 0, column "device": 5 is not a string',
  ],
  [
    "an unknown column",
    { rows: [{ id: 1, user_id: "ann", time, devise: "x" }] },
    "logins",
    422,
    "PUSH_INVALID",
    '"devise" is none of its columns',
  ],
  [
    "a row without its event time",
    { rows: [{ id: 1, user_id: "ann" }] },
    "logins",
    422,
    "PUSH_INVALID",
    'row 0, column "time": it is missing',
  ],
  [
    "bytes that are not base64",
    { rows: [{ id: 1, user_id: "ann", time, raw: "?" }] },
    "logins",
    422,
    "PUSH_INVALID",
    'row 0, column "raw"',
  ],
  [
    "an id that is a number",
    { rows: [], id: 5 },
    "logins",
    422,
    "REQUEST_INVALID",
    "id is a number; give a string",
  ],
])("%s is refused, and nothing is taken", async (_, payload, source, status, code, says) => {
  const before = (await server.store.status()).find((one) => one.source === "logins")!.history!
    .changes;
  const { status: found, json } = await push(payload, source);
  expect([found, json["code"]]).toEqual([status, code]);
  expect(json["message"]).toContain(says);
  expect(
    (await server.store.status()).find((one) => one.source === "logins")!.history!.changes,
  ).toBe(before);
});
