import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shopServer } from "../support/shop-server.ts";
import { feastPost, online } from "./ask.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer({ limits: { rows: 4 } });
});
afterAll(() => server.close());

const push = (df: object, more: object = {}, headers: Readonly<Record<string, string>> = {}) =>
  feastPost(server.app, "/push", { push_source_name: "logins", df, ...more }, headers);
const write = (df: object, view = "last_login") =>
  feastPost(server.app, "/write-to-online-store", {
    feature_view_name: view,
    df,
    allow_registry_cache: false,
  });
const value = async (feature: string, user: string): Promise<unknown> =>
  (await online(server.app, { features: [feature], entities: { user_id: [user] } })).columns[
    feature.split(":")[1]!
  ]![0][0];

describe("POST /push", () => {
  test("df has the source's columns and event_timestamp; no zone means UTC", async () => {
    const answer = await push({
      id: [1, "2", 3],
      user_id: ["carl", "carl", "dora"],
      score: [0.5, 2, null],
      event_timestamp: ["2026-01-05 11:00:00", "2026-01-05T11:30:00", "2026-01-05T13:00:00+03:00"],
      fee: ["1.50", 2, null],
    });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect([
      await value("signed_in:logins_l1d", "carl"),
      await value("signed_in:scores_l1d", "carl"),
      await value("last_login:last_fee", "carl"),
      await value("signed_in:logins_l1d", "dora"),
    ]).toEqual([2, 2.5, "2.00", 1]);
  });

  test("an equal primary key replaces a row; an equal Idempotency-Key changes none", async () => {
    await push({ id: [10], user_id: ["emil"], score: [1], time: ["2026-01-05T11:00:00Z"] });
    await push(
      { id: [10], user_id: ["emil"], score: [5], time: ["2026-01-05T11:00:00Z"] },
      { to: "online_and_offline" },
    );
    expect(await value("signed_in:scores_l1d", "emil")).toBe(5);
    const once = { id: [11], user_id: ["emil"], score: [7], time: ["2026-01-05T11:00:00Z"] };
    const pushed = async (): Promise<number> =>
      (await server.store.status()).find(({ source }) => source === "logins")!.online!.positions[0]!
        .offset;
    const before = await pushed();
    for (const status of [200, 200])
      expect((await push(once, {}, { "idempotency-key": "push-11" })).status).toBe(status);
    expect(await pushed()).toBe(before + 1);
    expect(await value("signed_in:scores_l1d", "emil")).toBe(12);
  });

  test.each<[string, object, number, string, string]>([
    [
      "a misspelt source",
      { push_source_name: "loginz", df: {} },
      422,
      "SOURCE_UNKNOWN",
      'did you mean "logins"?',
    ],
    [
      "a source that a log feeds",
      { push_source_name: "payments", df: { id: [1] } },
      422,
      "PUSH_NOT_ALLOWED",
      "payments",
    ],
    [
      "a misspelt column",
      { push_source_name: "logins", df: { devise: ["x"] } },
      422,
      "PUSH_INVALID",
      'there is no column "devise"; did you mean "device"?',
    ],
    [
      "one column under two names",
      {
        push_source_name: "logins",
        df: { time: ["2026-01-05T11:00:00Z"], event_timestamp: ["2026-01-05T11:00:00Z"] },
      },
      422,
      "PUSH_INVALID",
      "are both the column time",
    ],
    [
      "a row without its entity key",
      { push_source_name: "logins", df: { id: [5], time: ["2026-01-05T11:00:00Z"] } },
      422,
      "PUSH_INVALID",
      'column "user_id": it is missing',
    ],
    [
      "a text that is not a time",
      {
        push_source_name: "logins",
        df: { id: [5], user_id: ["a"], time: ["2026-02-30T11:00:00Z"] },
      },
      422,
      "PUSH_INVALID",
      "2026-02-30",
    ],
    [
      "a decimal of more digits than a double holds",
      {
        push_source_name: "logins",
        df: { id: [5], user_id: ["a"], time: ["2026-01-05T11:00:00Z"], fee: [0.1234567890123456] },
      },
      422,
      "PUSH_INVALID",
      "is not a decimal(10, 2)",
    ],
    [
      "more rows than the limit",
      { push_source_name: "logins", df: { id: [1, 2, 3, 4, 5] } },
      422,
      "TOO_MANY_ROWS",
      "df has 5 rows, and a push may have 4",
    ],
  ])("%s is refused", async (_, body, status, code, message) => {
    const answer = await feastPost(server.app, "/push", body);
    expect(answer.error.message ?? answer.text).toContain(message);
    expect([answer.status, answer.error.code]).toEqual([status, code]);
    expect(await value("signed_in:logins_l1d", "a")).toBe(0);
  });

  test.each<[object, readonly unknown[]]>([
    [{ df: {} }, ["body", "push_source_name"]],
    [{ push_source_name: "logins" }, ["body", "df"]],
    [{ push_source_name: "logins", df: [] }, ["body", "df"]],
    [{ push_source_name: "logins", df: { id: 1 } }, ["body", "df", "id"]],
    [{ push_source_name: "logins", df: { id: [1], user_id: [] } }, ["body", "df"]],
    [{ push_source_name: "logins", df: {}, to: "nowhere" }, ["body", "to"]],
  ])("%j: FastAPI's detail says where", async (body, loc) => {
    const answer = await feastPost(server.app, "/push", body);
    expect([answer.status, answer.error.detail?.[0]?.loc]).toEqual([422, loc]);
  });
});

describe("POST /write-to-online-store", () => {
  test("a view's entity keys and features are columns; an unknown created is ignored", async () => {
    const answer = await write({
      id: [20],
      user_id: ["fred"],
      device: ["phone"],
      last_fee: ["3.25"],
      login_extra: ['{"a": 1}'],
      login_raw: ["AP8B"],
      event_timestamp: ["2026-01-05T11:00:00"],
      created: [null],
    });
    expect([answer.status, answer.text]).toEqual([200, "null"]);
    expect([
      await value("last_login:device", "fred"),
      await value("last_login:last_fee", "fred"),
      await value("last_login:login_extra", "fred"),
      await value("last_login:login_raw", "fred"),
    ]).toEqual(["phone", "3.25", '{"a":1}', "AP8B"]);
  });

  test("a number is a time in seconds since 1970, as Feast's client sends it", async () => {
    await write({
      id: [21],
      user_id: ["gina"],
      device: ["tablet"],
      event_timestamp: [Date.UTC(2026, 0, 5, 11) / 1000],
    });
    expect(
      (
        await online(server.app, {
          features: ["last_login:device"],
          entities: { user_id: ["gina"] },
        })
      ).columns["device"],
    ).toEqual([["tablet"], ["PRESENT"], ["2026-01-05T11:00:00Z"]]);
  });

  test("a misspelt view, and a view over a source that a log feeds, are refused", async () => {
    expect((await write({}, "last_logon")).error).toMatchObject({
      class: "FeatureViewNotFoundException",
      message: expect.stringContaining('did you mean "last_login"?') as string,
    });
    expect((await write({ id: [1] }, "weekly")).error).toMatchObject({ code: "PUSH_NOT_ALLOWED" });
  });
});
