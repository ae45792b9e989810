import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LARGEST, shopServer } from "../support/shop-server.ts";
import { online } from "./ask.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeAll(async () => {
  server = await shopServer({ limits: { entities: 3, features: 4, bodyBytes: 10_000 } });
});
afterAll(() => server.close());

const ZERO_TIME = "1970-01-01T00:00:00Z";

describe("the answer", () => {
  test("has the entity keys first, then the features, in the requested order", async () => {
    const { columns, names, text } = await online(server.app, {
      features: ["weekly:spent_7d", "weekly:payments_l1w", "last:last_vendor"],
      entities: { user_id: ["bob", "ann", "nobody"] },
    });
    expect(names).toEqual(["user_id", "spent_7d", "payments_l1w", "last_vendor"]);
    expect(columns).toEqual({
      user_id: [
        ["bob", "ann", "nobody"],
        ["PRESENT", "PRESENT", "PRESENT"],
        [ZERO_TIME, ZERO_TIME, ZERO_TIME],
      ],
      spent_7d: [
        [0, 10.1, 0],
        ["PRESENT", "PRESENT", "NOT_FOUND"],
        ["2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z", ZERO_TIME],
      ],
      payments_l1w: [
        [1, 2, 0],
        ["PRESENT", "PRESENT", "NOT_FOUND"],
        ["2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z", ZERO_TIME],
      ],
      last_vendor: [
        [null, "Sport", null],
        ["NULL_VALUE", "PRESENT", "NOT_FOUND"],
        ["2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z", ZERO_TIME],
      ],
    });
    // Python makes an int of 0 and a float of 0.0, and Feast's client another proto type
    expect(text).toContain('"values":[0.0,10.1,0.0]');
    expect(text).toContain('"values":[1,2,0]');
  });

  test("has a repeated entity twice, and view__feature names on request", async () => {
    const { columns, names } = await online(server.app, {
      features: ["weekly:payments_l1w", "hospital:hospital_l1d"],
      entities: { user_id: ["ann", "bob", "ann"] },
      full_feature_names: true,
    });
    expect(names).toEqual(["user_id", "weekly__payments_l1w", "hospital__hospital_l1d"]);
    expect(columns["weekly__payments_l1w"]![0]).toEqual([2, 1, 2]);
  });

  test("has the features of feature_service, even if the request also has features", async () => {
    const service = await online(server.app, {
      feature_service: "everything",
      features: ["shops:sales_l1d"],
      entities: { user_id: ["ann"] },
    });
    expect(service.names).toEqual([
      "user_id",
      "payments_l1w",
      "spent_1h",
      "spent_7d",
      "mean_l1w",
      "vendors_l1w",
      "fees_l1w",
      "hospital_l1d",
      "last_vendor",
      "last_amount",
      "city",
    ]);
    expect(service.columns["fees_l1w"]![0]).toEqual(["1.30"]);
    expect(
      (
        await online(server.app, {
          feature_service: null,
          features: ["weekly:mean_l1w"],
          entities: { user_id: ["ann"] },
          full_feature_names: null,
        })
      ).names,
    ).toEqual(["user_id", "mean_l1w"]);
  });

  test('keeps every digit of an int64 in keys and values, and reads the key "1" as 1', async () => {
    const body =
      '{"features":["kinds:large","kinds:counted","sums:total_large"],' +
      `"entities":{"id":[${LARGEST},"${LARGEST}","1"]}}`;
    const { text } = await online(server.app, body);
    expect(text).toContain(`{"values":[${LARGEST},${LARGEST},1],"statuses"`);
    expect(text).toContain(
      '{"values":[-9223372036854775808,-9223372036854775808,null],' +
        '"statuses":["PRESENT","PRESENT","NULL_VALUE"]',
    );
    expect(text).toContain('{"values":[9007199254740991,9007199254740991,null]');
  });

  test("has values of every value type as Feast has them", async () => {
    const names = ["text", "flag", "small", "real", "when", "day", "raw", "extra"];
    const values = [];
    for (const name of names)
      values.push(
        (await online(server.app, `{"features":["kinds:${name}"],"entities":{"id":[${LARGEST}]}}`))
          .columns[name]![0][0],
      );
    expect(values).toEqual([
      "a\nb",
      true,
      -7,
      0.1,
      Date.UTC(2026, 0, 5, 12) / 1000,
      "2024-10-04",
      "AP8B",
      '{"a": [1, 2.50, null]}',
    ]);
  });

  test("accepts an entity's name for its key, and ignores lists that are not keys", async () => {
    const { names, columns } = await online(server.app, {
      features: ["weekly:payments_l1w"],
      entities: { other: [1, 2], user: ["ann", "bob"], __proto__x: [null, null] },
    });
    expect(names).toEqual(["user_id", "payments_l1w"]);
    expect(columns["payments_l1w"]![0]).toEqual([2, 1]);
  });

  test("is the same for a repeated request, also after other requests", async () => {
    const ask = (): Promise<unknown> =>
      online(server.app, {
        features: ["weekly:payments_l1w", "last:last_amount"],
        entities: { user_id: ["ann"] },
      });
    const first = await ask();
    for (let i = 0; i < 600; i++)
      await online(server.app, {
        features: [i % 2 === 0 ? "weekly:mean_l1w" : "weekly:fees_l1w", `nothing${i}:x`],
        entities: { user_id: ["ann"] },
      });
    expect(await ask()).toEqual(first);
  });
});

describe("an invalid request gets an error that Feast's client throws as its own", () => {
  const ok = { user_id: ["ann"] };
  test.each<[string, string | object | Buffer, number, string, string]>([
    [
      "a misspelt view",
      { features: ["wekly:payments_l1w"], entities: ok },
      404,
      "FeatureViewNotFoundException",
      'did you mean "weekly"?',
    ],
    [
      "a misspelt feature",
      { features: ["weekly:payments_1w"], entities: ok },
      404,
      "SpecifiedFeaturesNotPresentError",
      'did you mean "payments_l1w"?',
    ],
    [
      "a feature that resembles no other",
      { features: ["hospital:zzzzzzz"], entities: ok },
      404,
      "SpecifiedFeaturesNotPresentError",
      "it has hospital_l1d",
    ],
    [
      "a misspelt service",
      { feature_service: "everithing", entities: ok },
      404,
      "FeatureServiceNotFoundException",
      'did you mean "everything"?',
    ],
    [
      "a view called __proto__",
      { features: ["__proto__:constructor"], entities: ok },
      404,
      "FeatureViewNotFoundException",
      "__proto__",
    ],
    [
      "a service called constructor",
      { feature_service: "constructor", entities: ok },
      404,
      "FeatureServiceNotFoundException",
      "constructor",
    ],
    [
      "a name of 5,000 characters",
      { features: [`weekly:${"x".repeat(5000)}`], entities: ok },
      404,
      "SpecifiedFeaturesNotPresentError",
      `${"x".repeat(100)}…`,
    ],
    [
      "one name for two features",
      { features: ["weekly:payments_l1w", "weekly:payments_l1w"], entities: ok },
      422,
      "FeatureNameCollisionError",
      '"payments_l1w" is both',
    ],
    [
      "too many features",
      { features: ["a:a", "a:b", "a:c", "a:d", "a:e"], entities: ok },
      422,
      "FeastError",
      "names 5 features, and a request may name 4",
    ],
    [
      "too many entities",
      { features: ["weekly:payments_l1w"], entities: { user_id: ["a", "b", "c", "d"] } },
      422,
      "FeastError",
      "has 4 entities, and a request may have 3",
    ],
    [
      "no key",
      { features: ["weekly:payments_l1w"], entities: {} },
      422,
      "FeastEntityDFMissingColumnsError",
      "key user_id is missing (there are none)",
    ],
    [
      "another key",
      { features: ["weekly:payments_l1w"], entities: { shop_id: [1] } },
      422,
      "FeastEntityDFMissingColumnsError",
      'key user_id is missing (there is "shop_id")',
    ],
    [
      "no entities",
      { features: ["weekly:payments_l1w"], entities: { user_id: [] } },
      422,
      "FeastError",
      "the lists are empty; give at least one user_id",
    ],
    [
      "a key that is null",
      { features: ["weekly:payments_l1w"], entities: { user_id: ["ann", null] } },
      422,
      "FeastError",
      "entity row 1: key user_id: null is not allowed",
    ],
    [
      "a key of another type",
      { features: ["weekly:payments_l1w"], entities: { user_id: [7] } },
      422,
      "FeastError",
      "7 is not a string",
    ],
    [
      "a key that is a list",
      { features: ["weekly:payments_l1w"], entities: { user_id: [["ann"]] } },
      422,
      "FeastError",
      "an array is not a string",
    ],
    [
      "an int64 too large",
      '{"features":["kinds:text"],"entities":{"id":[9223372036854775808]}}',
      422,
      "FeastError",
      "9223372036854775808n is not an int64",
    ],
    [
      "an int64 far too large, as text",
      { features: ["kinds:text"], entities: { id: ["9".repeat(5000)] } },
      422,
      "FeastError",
      "is not an int64",
    ],
    [
      "an int64 far too large, as a number",
      `{"features":["kinds:text"],"entities":{"id":[${"9".repeat(5000)}]}}`,
      422,
      "FeastError",
      "is not an int64",
    ],
    [
      "an int64 with a fraction",
      { features: ["kinds:text"], entities: { id: [1.5] } },
      422,
      "FeastError",
      "1.5 is not an int64",
    ],
    [
      "an int64 as a double beyond 2^53",
      '{"features":["kinds:text"],"entities":{"id":[1e300]}}',
      422,
      "FeastError",
      "is not an int64",
    ],
    [
      "a body too large",
      { features: ["weekly:payments_l1w"], entities: ok, more: "x".repeat(10_001) },
      413,
      "FeastError",
      "larger than 10000 bytes",
    ],
  ])("%s is refused", async (_, body, status, feast, message) => {
    const answer = await online(server.app, body);
    expect(answer.error.message ?? answer.text).toContain(message);
    expect([answer.status, answer.error.class]).toEqual([status, feast]);
    // Feast's client reads the module too
    expect(JSON.parse(JSON.parse(answer.text) as string)).toMatchObject({ module: "feast.errors" });
  });

  test.each<[string, string | object | Buffer, string, readonly unknown[]]>([
    ["no body", "", "missing", ["body"]],
    ["null", "null", "missing", ["body"]],
    ["a list", "[]", "model_attributes_type", ["body"]],
    ["a number", "5", "model_attributes_type", ["body"]],
    ["a body that is not JSON", '{"features":', "json_invalid", ["body"]],
    ["NaN as a feature", '{"features":[NaN]}', "string_type", ["body", "features", 0]],
    [
      "bytes that are not UTF-8",
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      "json_invalid",
      ["body"],
    ],
    ["5,000 nested lists", "[".repeat(5000), "json_invalid", ["body"]],
    [
      "nested lists with a long number",
      '{"features":["weekly:payments_l1w"],"n":1234567890123456789,' +
        `"entities":{"user_id":${"[".repeat(4000)}${"]".repeat(4000)}}}`,
      "",
      [],
    ],
    ["entities left out", { features: ["weekly:payments_l1w"] }, "missing", ["body", "entities"]],
    [
      "entities row by row",
      { features: ["weekly:payments_l1w"], entities: [{ user_id: "ann" }] },
      "dict_type",
      ["body", "entities"],
    ],
    [
      "entity keys that are not a list",
      { features: ["weekly:payments_l1w"], entities: { user_id: "ann" } },
      "list_type",
      ["body", "entities", "user_id"],
    ],
    [
      "lists of two lengths",
      { features: ["weekly:payments_l1w"], entities: { user_id: ["ann", "bob"], other: [1] } },
      "value_error",
      ["body", "entities"],
    ],
    [
      "features as one text",
      { features: "weekly:payments_l1w", entities: ok },
      "list_type",
      ["body", "features"],
    ],
    [
      "a feature that is a number",
      { features: ["weekly:payments_l1w", 7], entities: ok },
      "string_type",
      ["body", "features", 1],
    ],
    ["no feature", { features: [], entities: ok }, "value_error", ["body", "features"]],
    ["neither features nor service", { entities: ok }, "value_error", ["body", "features"]],
    [
      "a service that is a list",
      { feature_service: ["everything"], entities: ok },
      "string_type",
      ["body", "feature_service"],
    ],
    [
      "full_feature_names as text",
      { features: ["weekly:payments_l1w"], entities: ok, full_feature_names: "yes" },
      "bool_type",
      ["body", "full_feature_names"],
    ],
  ])("%s: FastAPI's detail says where", async (_, body, type, loc) => {
    const answer = await online(server.app, body);
    expect(answer.status).toBe(422);
    if (type !== "") expect(answer.error.detail?.[0]).toMatchObject({ type, loc });
  });

  test("a body that is not JSON is 415; an unknown path is 404, a wrong method 405", async () => {
    expect((await online(server.app, "a=1", { "content-type": "text/plain" })).status).toBe(415);
    expect(
      (
        await online(server.app, "x", {
          "content-type": "application/json",
          "content-encoding": "gzip",
        })
      ).status,
    ).toBeOneOf([415, 422]);
    expect(
      (await server.app.inject({ method: "POST", url: "/get-online-featurs", payload: "{}" }))
        .statusCode,
    ).toBe(404);
    expect(
      (await server.app.inject({ method: "GET", url: "/get-online-features" })).statusCode,
    ).toBeOneOf([404, 405]);
  });

  test("what __proto__ in a body says changes nothing", async () => {
    const answer = await online(
      server.app,
      '{"features":["weekly:payments_l1w"],' +
        '"entities":{"user_id":["ann"],"__proto__":[1],"constructor":[2]},' +
        '"__proto__":{"full_feature_names":true},"constructor":{"prototype":{"a":1}}}',
    );
    expect(answer.names).toEqual(["user_id", "payments_l1w"]);
    expect(({} as Record<string, unknown>)["full_feature_names"]).toBe(undefined);
  });
});
