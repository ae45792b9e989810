/** Tests that the document is valid OpenAPI 3.1, and that requests and answers follow it. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryOfflineStore } from "@tidemark/core/testing";
import * as delta from "@tidemark/delta";
import { shopServer } from "../support/shop-server.ts";

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: object } };
  };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly $ref?: string;
        readonly content?: { readonly "application/json": { readonly schema: object } };
      }
    >
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<"get" | "post", Operation | undefined>>>>;
  readonly components: { readonly responses: { readonly Error: Operation["responses"][string] } };
}

let server: Awaited<ReturnType<typeof shopServer>>;
let document: Document;
const ajv = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
  validateFormats: true,
  allErrors: true,
});
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
beforeAll(async () => {
  server = await shopServer({ trainingSets: { parquet: delta } }, memoryOfflineStore(), {}, true);
  await server.store.apply({ by: "the test" });
  await server.store.drift({ source: "payments", reference: { to: "2026-01-05" } });
  await server.app.inject({
    method: "POST",
    url: "/v1/features",
    payload: { features: "everything", entities: [{ user_id: "ann" }] },
  });
  await server.store.servingLog!.flush();
  await server.store.backfill();
  await server.store.erase({ entity: "user", key: { user_id: "nobody" } });
  document = (await server.app.inject("/openapi.json")).json<Document>();
  ajv.addVocabulary(["components"]);
  ajv.addSchema({ $id: "document", components: document.components }, "document");
});
afterAll(() => server.close());

/** Compiles a schema whose references point into the document. */
function compiled(schema: object): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object);
}

function operationOf(method: "GET" | "POST", path: string): Operation {
  const name = path.replace(/^(\/v1\/(?:quarantine|changes))\/.*$/, "$1/{source}").split("?")[0]!;
  return document.paths[name]![method === "GET" ? "get" : "post"]!;
}

/** Sends the request. Returns the violations of the document in the request and its answer. */
async function exchanged(
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly request: unknown; readonly answer: unknown }> {
  const operation = operationOf(method, path);
  const answer = await server.app.inject({
    method,
    url: path,
    ...(body === undefined ? {} : { payload: body as object }),
  });
  const given =
    operation.responses[String(answer.statusCode)] ??
    operation.responses[`${String(answer.statusCode)[0]}XX`]!;
  const schema = (given.$ref === undefined ? given : document.components.responses.Error).content![
    "application/json"
  ].schema;
  const validAnswer = compiled(schema);
  validAnswer(JSON.parse(answer.body));
  const validRequest =
    operation.requestBody === undefined
      ? null
      : compiled(operation.requestBody.content["application/json"].schema);
  validRequest?.(body);
  return {
    status: answer.statusCode,
    request: validRequest?.errors ?? null,
    answer: validAnswer.errors ?? null,
  };
}
const conforms = (status: number) => ({ status, request: null, answer: null });

test("the document is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(
    structuredClone(document) as unknown as Record<string, unknown>,
  );
  expect([valid, errors ?? null, document.openapi]).toEqual([true, null, "3.1.0"]);
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      "/v1/features",
      "/v1/services/everything/features",
      "/v1/views/kinds/features",
      "/v1/push/logins",
      "/v1/definitions",
      "/v1/status",
      "/v1/training-set",
      "/v1/training-set/{id}/result",
      "/openapi.json",
    ]),
  );
});

test("a training set follows the document while it is running, and when it has ended", async () => {
  const { responses } = operationOf("POST", "/v1/training-set");
  const follows = compiled(responses["202"]!.content!["application/json"].schema);
  const ann = { user_id: "ann", event_timestamp: "2026-01-05T12:00:00Z" };
  for (const row of [ann, { ...ann, user_id: null }]) {
    const posted = await server.app.inject({
      method: "POST",
      url: "/v1/training-set?features=weekly,profile",
      payload: JSON.stringify(row),
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(posted.statusCode).toBe(202);
    let job = posted.json<{ readonly state: string; readonly url: string }>();
    while (follows(job) && job.state === "running") job = (await server.app.inject(job.url)).json();
    expect(follows.errors).toBeNull();
    expect(job.state).toBe(row === ann ? "done" : "failed");
  }
});

test("the bounds of an int64 have all their digits", async () => {
  expect((await server.app.inject("/openapi.json")).body).toContain(
    '"minimum":-9223372036854775808,"maximum":9223372036854775807',
  );
});

test("every operation has a unique operationId", () => {
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).flatMap((one) => (one === undefined ? [] : [one.operationId])),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

describe("requests and answers follow the document", () => {
  const ann = [{ user_id: "ann" }, { user_id: "nobody" }];
  const things = [
    { id: "9223372036854775807" },
    { id: 1 },
    { id: -5 },
    { id: "-9223372036854775808" },
  ];

  test.each([
    "/v1/tables",
    "/v1/connectors",
    "/v1/training-set",
    "/v1/quarantine/payments?limit=5",
    "/v1/changes/payments?limit=5",
    "/v1/drift?source=payments&column=amount&limit=5",
    "/v1/definitions",
    "/v1/lineage",
    "/v1/status",
    "/v1/me",
    "/v1/readiness",
    "/v1/plan",
    "/v1/applies",
    "/v1/audits?from=2026-01-05T00:00:00Z&limit=5",
    "/v1/checks",
    "/openapi.json",
  ])("GET %s", async (path) => {
    expect(await exchanged("GET", path)).toEqual(conforms(200));
  });

  test.each([
    ["/v1/features", { features: ["everything", "weekly:spent_1h as hour"], entities: ann }],
    [
      "/v1/features",
      { features: "weekly", entities: [], asOf: "2026-01-05T12:00:00.123456+07:00" },
    ],
    ["/v1/services/everything/features", { entities: ann }],
    ["/v1/services/everything/features", { entities: ann, metadata: true, int64: "number" }],
    ["/v1/views/kinds/features", { entities: things }],
    ["/v1/views/kinds/features", { entities: things, metadata: true }],
    ["/v1/views/sums/features", { entities: things, int64: "number" }],
    ["/v1/views/shops/features", { entities: [{ shop_id: 1 }] }],
    [
      "/v1/push/logins",
      {
        rows: [
          {
            id: "1",
            user_id: "ann",
            device: null,
            score: 0.5,
            fee: "1.5",
            extra: [1],
            raw: "AP8B",
            time: "2026-01-05T11:00:00Z",
          },
        ],
        deletes: [{ id: 5 }],
        id: "one",
      },
    ],
    [
      "/v1/materialize",
      { views: ["weekly"], dates: ["2026-01-04"], zone: "Asia/Ho_Chi_Minh", online: false },
    ],
    ["/v1/materialize", { views: "profile", from: "2026-01-03", to: "2026-01-05" }],
    ["/v1/profile", { source: "payments", from: "2026-01-01", columns: "amount" }],
    ["/v1/drift", { source: "payments", from: "2026-01-05", reference: { to: "2026-01-05" } }],
    [
      "/v1/drift",
      {
        source: "payments",
        from: "2026-01-05",
        reference: { to: "2026-01-05" },
        profiles: true,
        record: false,
      },
    ],
    ["/v1/skew", { features: "weekly:spent_1h", services: ["everything"], examples: 0 }],
    [
      "/v1/timeline",
      {
        features: ["everything"],
        entity: { user_id: "ann" },
        from: "2026-01-05T00:00:00+07:00",
        maxPoints: 50,
      },
    ],
    ["/v1/quality", {}],
    ["/v1/explain", { feature: "weekly:spent_1h", entity: { user_id: "ann" } }],
    ["/v1/explain", { feature: "profile:city", entity: { user_id: "ann" }, maxRows: 0 }],
    [
      "/v1/explain",
      {
        feature: "kinds:large",
        entity: { id: "1" },
        asOf: "2026-01-05T12:00:00.123456+07:00",
        from: "online",
        format: "json",
      },
    ],
    [
      "/v1/push/logins",
      { rows: [{ id: 2, user_id: "ann", score: "-Infinity", time: "2026-01-05T11:00:00Z" }] },
    ],
  ])("POST %s %j", async (path, body) => {
    expect(await exchanged("POST", path, body)).toEqual(conforms(200));
  });

  test.each<[string, unknown, number]>([
    ["/v1/features", { features: [], entities: [] }, 422],
    ["/v1/features", { features: ["weekly:"], entities: [] }, 422],
    ["/v1/features", { features: ["weekly"], entities: "ann" }, 422],
    ["/v1/features", { features: ["weekly"], entities: [], more: 1 }, 422],
    ["/v1/views/kinds/features", { entities: [{ id: "9223372036854775808" }] }, 422],
    ["/v1/views/kinds/features", { entities: [{ id: "-9223372036854775809" }] }, 422],
    ["/v1/views/kinds/features", { entities: [{ id: null }] }, 422],
    ["/v1/views/kinds/features", { entities: [{ id: 1.5 }] }, 422],
    ["/v1/views/kinds/features", { entities: [{}] }, 422],
    ["/v1/services/everything/features", { entities: ann, int64: "both" }, 422],
    ["/v1/materialize", { views: [], dates: ["2026-01-04"] }, 422],
    ["/v1/materialize", { dates: ["2026-02-30"] }, 422],
    ["/v1/push/logins", { rows: [{ id: 1, user_id: null, time: "2026-01-05T11:00:00Z" }] }, 422],
    ["/v1/push/logins", { id: "neither" }, 422],
    ["/v1/profile", {}, 422],
    ["/v1/profile", { source: "payments", view: "weekly" }, 422],
    ["/v1/drift", { source: "payments", reference: {} }, 422],
    ["/v1/skew", { examples: 101 }, 422],
    ["/v1/timeline", { features: "weekly", entity: { user_id: "ann" } }, 422],
    ["/v1/push/logins", { rows: [{ id: 1, user_id: "ann" }] }, 422],
    [
      "/v1/push/logins",
      { rows: [{ id: 1, user_id: "ann", time: "2026-01-05T11:00:00Z", fee: "1.555" }] },
      422,
    ],
    [
      "/v1/push/logins",
      { rows: [{ id: 1, user_id: "ann", time: "2026-01-05T11:00:00Z", raw: "A" }] },
      422,
    ],
  ])(
    "POST %s %j is refused by the document and the server, and the error follows the document",
    async (path, body, status) => {
      const { request, ...found } = await exchanged("POST", path, body);
      expect(found).toEqual({ status, answer: null });
      expect(request).not.toBeNull();
    },
  );
});
