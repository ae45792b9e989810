import { collectDefinitions, toJson } from "@tidemark/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOON, date, everything, weekly } from "../../../core/test/support/shop.ts";
import { LARGEST, shopServer } from "../support/shop-server.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer();
});
afterAll(() => server.close());

interface Answered {
  readonly asOf: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

async function ask(
  url: string,
  payload: object | string,
): Promise<{ readonly status: number; readonly text: string; readonly json: Answered }> {
  const answer = await server.app.inject({
    method: "POST",
    url,
    payload,
    headers: { "content-type": "application/json" },
  });
  return { status: answer.statusCode, text: answer.body, json: answer.json() };
}

describe("the answer", () => {
  test("holds the SDK's rows, in the order of the request, and their time", async () => {
    const entities = [
      { user_id: "bob" },
      { user_id: "ann" },
      { user_id: "nobody" },
      { user_id: "bob" },
    ];
    const { status, json } = await ask("/v1/features", { features: ["everything"], entities });
    const request = { features: everything, entities };
    const rows = await server.store.getOnlineFeatures(request);
    const { asOf } = await server.store.getOnlineFeatures({ ...request, metadata: true });
    expect([status, json]).toEqual([200, { asOf, rows: toJson(rows) }]);
    expect(json.rows[1]).toMatchObject({
      payments_l1w: 2,
      spent_7d: 10.1,
      fees_l1w: "1.30",
      city: 'Hà Nội "\\ \u2028',
    });
  });

  test("values of every type are JSON: digits and times as text, bytes as base64", async () => {
    const { text } = await ask("/v1/features", {
      features: ["kinds", "sums:total_large"],
      entities: [{ id: String(LARGEST) }],
    });
    expect(text).toBe(
      '{"asOf":"2026-01-05T12:00:00.000000Z","rows":[{"text":"a\\nb","flag":true,"small":-7,' +
        '"large":"-9223372036854775808","counted":9007199254740991,"real":0.1,' +
        '"when":"2026-01-05T12:00:00.000001Z","exact_when":"2026-01-05T12:00:00.000001Z",' +
        '"day":"2024-10-04","raw":"AP8B","extra":{"a": [1, 2.50, null]},' +
        '"total_large":"-9223372036854775808"}]}',
    );
  });

  test("a missing value of any type is null", async () => {
    const { json } = await ask("/v1/views/kinds/features", { entities: [{ id: 1 }, { id: 2 }] });
    for (const row of json.rows)
      expect(row).toEqual(
        Object.fromEntries(
          [
            "text",
            "flag",
            "small",
            "large",
            "counted",
            "real",
            "when",
            "exact_when",
            "day",
            "raw",
            "extra",
          ].map((name) => [name, null]),
        ),
      );
  });

  test('with int64: "number", an int64 is a JSON number with all its digits', async () => {
    const { text } = await ask("/v1/features", {
      features: "kinds:large",
      entities: [{ id: String(LARGEST) }],
      int64: "number",
    });
    expect(text).toContain('[{"large":-9223372036854775808}]');
  });

  test("an int64 key is read exactly, as a string or as a number", async () => {
    for (const id of [`"${LARGEST}"`, String(LARGEST)])
      expect(
        (await ask("/v1/features", `{"features":["kinds:small"],"entities":[{"id":${id}}]}`)).json
          .rows,
      ).toEqual([{ small: -7 }]);
    for (const id of [`"${LARGEST - 1n}"`, String(LARGEST - 1n)])
      expect(
        (await ask("/v1/features", `{"features":["kinds:small"],"entities":[{"id":${id}}]}`)).json
          .rows,
      ).toEqual([{ small: null }]);
  });

  test("with metadata: true, each value has its status and its event time", async () => {
    const entities = [{ user_id: "ann" }, { user_id: "nobody" }];
    const { json } = await ask("/v1/services/everything/features", {
      entities,
      metadata: true,
      asOf: "2026-01-05T19:00:00+07:00",
    });
    const { rows } = await server.store.getOnlineFeatures({
      features: everything,
      entities,
      metadata: true,
      asOf: date(NOON),
    });
    expect(json.rows).toEqual(toJson(rows));
  });

  test("asOf sets the end of the windows", async () => {
    const at = async (asOf: string) =>
      (
        await ask("/v1/features", {
          features: ["weekly:spent_1h"],
          entities: [{ user_id: "ann" }],
          asOf,
        })
      ).json.rows[0]!["spent_1h"];
    expect(
      await Promise.all(
        [
          "2026-01-05T11:00:00Z",
          "2026-01-05T11:00:00.000001Z",
          "2026-01-05T12:00:00Z",
          "2026-01-05T12:00:00.000001Z",
        ].map(at),
      ),
    ).toEqual([0, 0.1, 0.1, 0]);
  });

  test("a feature may get another name in the answer", async () => {
    const { json } = await ask("/v1/features", {
      features: ["weekly:spent_1h as hour", "weekly:spent_7d as week", "last:last_vendor"],
      entities: [{ user_id: "ann" }],
    });
    expect(json.rows).toEqual([{ hour: 0.1, week: 10.1, last_vendor: "Sport" }]);
  });

  test("a service, a view, and the list of its features give the same answer", async () => {
    const entities = [{ user_id: "ann" }];
    const view = collectDefinitions({ weekly }).views.get("weekly")!;
    const forms = [
      await ask("/v1/features", { features: "weekly", entities }),
      await ask("/v1/views/weekly/features", { entities }),
      await ask("/v1/features", {
        features: view.features.map(({ name }) => `weekly:${name}`),
        entities,
      }),
    ];
    expect(new Set(forms.map(({ text }) => text)).size).toBe(1);
  });

  test("a request without entities gets no rows", async () => {
    expect(
      (await ask("/v1/features", { features: ["weekly", "sums"], entities: [] })).json.rows,
    ).toEqual([]);
  });

  test("features of several entities need the keys of all of them", async () => {
    const { json } = await ask("/v1/features", {
      features: ["weekly:payments_l1w", "shops:sales_l1d"],
      entities: [{ user_id: "ann", shop_id: 1 }],
    });
    expect(json.rows).toEqual([{ payments_l1w: 2, sales_l1d: 2 }]);
  });
});

describe("descriptions and status", () => {
  test("/v1/definitions lists services, views, entities and sources with their types", async () => {
    const { views, services, entities, sources } = (
      await server.app.inject("/v1/definitions")
    ).json();
    expect(services.map(({ name }: { name: string }) => name)).toEqual(["everything"]);
    expect(services[0].keys).toEqual([{ name: "user_id", type: "string", nullable: false }]);
    expect(services[0].features).toContainEqual({
      name: "hospital_l1d",
      type: "int64",
      nullable: false,
      mode: "number",
      feature: "hospital:hospital_l1d",
      description: 'count(payments) over 1d where vendor = "Hospital"',
    });
    expect(services[0].features).toContainEqual({
      name: "fees_l1w",
      type: "decimal",
      nullable: false,
      precision: 38,
      scale: 2,
      feature: "weekly:fees_l1w",
      description: "sum(payments.fee) over 7d",
    });
    const [last] = views.filter(({ name }: { name: string }) => name === "last");
    expect([last.entity, last.source, last.kind, last.ttl, last.features[0].description]).toEqual([
      "user",
      "payments",
      "latest",
      "2d",
      "latest(payments.vendor), not older than 2d",
    ]);
    expect(entities).toContainEqual({
      name: "shop",
      keys: [{ name: "shop_id", type: "int64", nullable: false }],
    });
    expect(sources.find(({ name }: { name: string }) => name === "payments")).toMatchObject({
      pushed: false,
      primaryKey: ["id"],
      eventTime: "time",
    });
  });

  test("/v1/status has the positions of each source", async () => {
    const { sources } = (await server.app.inject("/v1/status")).json();
    expect(sources.map(({ source }: { source: string }) => source).toSorted()).toEqual([
      "customers",
      "logins",
      "payments",
      "things",
    ]);
    expect(sources.find(({ source }: { source: string }) => source === "payments")).toEqual(
      toJson((await server.store.status()).find(({ source }) => source === "payments")),
    );
  });
});
