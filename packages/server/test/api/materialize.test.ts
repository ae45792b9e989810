import { afterAll, beforeAll, expect, test } from "vitest";
import { weekly } from "../../../core/test/support/shop.ts";
import { shopServer } from "../support/shop-server.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer();
});
afterAll(() => server.close());

async function materialize(
  payload: object,
): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
  const answer = await server.app.inject({ method: "POST", url: "/v1/materialize", payload });
  return { status: answer.statusCode, json: answer.json() };
}

test("a materialized day stays unchanged, or is computed again after a change", async () => {
  const first = await materialize({ views: ["weekly"], dates: ["2026-01-04"] });
  expect(first).toEqual({
    status: 200,
    json: {
      views: [
        {
          view: "weekly",
          table: expect.any(String),
          dates: [{ date: "2026-01-04", rows: 1, state: "new" }],
          unchanged: 0,
          online: "2026-01-04",
        },
      ],
    },
  });
  const [row] = await server.store.getMaterialized({
    view: weekly,
    entities: [{ user_id: "ann" }],
  });
  expect(row).toMatchObject({ payments_l1w: 1, spent_7d: 10 });
  const again = await materialize({ views: "weekly", dates: "2026-01-04" });
  expect(again.json["views"]).toEqual([
    {
      ...(first.json["views"] as object[])[0],
      dates: [{ date: "2026-01-04", rows: 1, state: "recomputed" }],
    },
  ]);
});

test.each<[string, object, number, string, string]>([
  [
    "a misspelt view",
    { views: ["weekley"], dates: ["2026-01-04"] },
    404,
    "VIEW_UNKNOWN",
    'did you mean "weekly"?',
  ],
  ["no days", { views: ["weekly"] }, 422, "DATES_INVALID", "say which days"],
  ["years of days", { from: "2000-01-01" }, 422, "DATES_INVALID", "a request may have 400"],
  ["a day that does not exist", { dates: ["2026-02-30"] }, 422, "DATE_INVALID", "2026-02-30"],
  ["a day that is not over", { dates: ["2026-01-05"] }, 422, "DATE_NOT_OVER", "2026-01-05"],
  ["a misspelt member", { date: "2026-01-04" }, 422, "REQUEST_INVALID", 'did you mean "dates"?'],
  [
    "incremental as text",
    { incremental: "yes" },
    422,
    "REQUEST_INVALID",
    "incremental is a string",
  ],
  [
    "days as numbers",
    { dates: [20260104] },
    422,
    "REQUEST_INVALID",
    "dates[0] is a number; give days as strings",
  ],
  [
    "an unknown zone",
    { dates: ["2026-01-04"], zone: "Asia/Saigonn" },
    422,
    "TIME_ZONE_UNKNOWN",
    "Asia/Saigonn",
  ],
])("%s is refused", async (_, payload, status, code, says) => {
  const { status: found, json } = await materialize(payload);
  expect([found, json["code"]]).toEqual([status, code]);
  expect(json["message"]).toContain(says);
});
