/** Serves what operators ask about the store: its state, its plan and its checks. */
import { toJson, type ProfiledRows } from "@tidemark/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { SCOPES } from "../../http/authentication.ts";
import type { Serving } from "../../http/serving.ts";
import { unknownTrainingSet } from "../../training-sets/result-rows.ts";
import type { FeatureNames } from "../requested-features.ts";
import { refuseOtherMethods } from "../other-methods.ts";
import { connectorsAnswer } from "./connectors-answer.ts";
import { driftOptions, profileOptions, qualityOptions, skewOptions } from "./check-requests.ts";
import { driftQuery } from "./drift-query.ts";
import { timelineRequest } from "./timeline-request.ts";
import { quarantineAnswer } from "./quarantine-answer.ts";
import { rowLimit } from "./row-limit.ts";

const JSON_TYPE = "application/json; charset=utf-8";

const personalOf = (seesPersonal: boolean): "show" | "mask" => (seesPersonal ? "show" : "mask");

/** Adds the routes to `app`. `names` resolves the features of requests. */
export async function operateRoutes(
  app: FastifyInstance,
  serving: Serving,
  names: FeatureNames,
): Promise<void> {
  const { store, definitions, limits } = serving;
  const methods = new Map<string, ("GET" | "POST")[]>();
  const addMethod = (url: string, method: "GET" | "POST"): void => {
    methods.set(url, [...(methods.get(url) ?? []), method]);
  };

  function get(
    url: string,
    scope: "operate" | "any",
    answer: (request: FastifyRequest) => Promise<unknown>,
    { unbounded = false }: { readonly unbounded?: boolean } = {},
  ): void {
    app.get(url, { config: { scope, unbounded } }, async (request, reply) =>
      reply.type(JSON_TYPE).send(JSON.stringify(toJson(await answer(request)))),
    );
    addMethod(url, "GET");
  }

  function post(
    url: string,
    answer: (request: FastifyRequest) => Promise<unknown>,
    { unbounded }: { readonly unbounded: boolean },
  ): void {
    app.post(url, { config: { scope: "operate", unbounded } }, async (request, reply) =>
      reply.type(JSON_TYPE).send(JSON.stringify(toJson(await answer(request)))),
    );
    addMethod(url, "POST");
  }

  get("/v1/me", "any", async ({ caller, scopes, seesPersonal }) => ({
    caller,
    scopes: scopes ?? SCOPES,
    personal: seesPersonal,
    tokens: scopes !== null,
    now: store.now().toISOString(),
  }));
  get("/v1/readiness", "operate", () => store.readiness());
  get("/v1/plan", "operate", ({ ending }) => store.plan({ signal: ending }));
  get("/v1/applies", "operate", ({ ending }) => store.applies({ signal: ending }));
  get("/v1/checks", "operate", () => store.checkResults());
  get("/v1/connectors", "operate", async ({ ending }) =>
    connectorsAnswer((await serving.connectors?.(ending)) ?? []),
  );
  // the online store may count all of its cells
  get(
    "/v1/tables",
    "operate",
    ({ seesPersonal, ending: signal }) =>
      store.storage({ personal: personalOf(seesPersonal), signal }),
    { unbounded: true },
  );
  get("/v1/quarantine/:name", "operate", async ({ params, query, seesPersonal }) => {
    const limit = rowLimit(query);
    const { name } = params as { readonly name: string };
    const rows = await store.quarantine(name);
    const source = definitions.sources.get(name)!;
    return quarantineAnswer(source, rows, { limit, isMasked: !seesPersonal });
  });

  get("/v1/changes/:name", "operate", async ({ params, query, seesPersonal, ending: signal }) => {
    const limit = rowLimit(query);
    const { name } = params as { readonly name: string };
    const personal = personalOf(seesPersonal);
    return { source: name, changes: await store.changes(name, { limit, personal, signal }) };
  });

  get("/v1/drift", "operate", async ({ query, ending: signal }) => ({
    results: await store.driftHistory({ ...driftQuery(query), signal }),
  }));

  const readingOf = ({ caller, ending: signal }: FastifyRequest) => ({
    limits,
    rowsOf: async (id: string): Promise<ProfiledRows> => {
      if (serving.trainingSets === null) throw unknownTrainingSet(id);
      return serving.trainingSets.rows({ id, caller, signal });
    },
  });
  // A check may read all rows, so it has no time limit. It ends when its caller disconnects.
  const check = { unbounded: true } as const;
  post(
    "/v1/profile",
    async (request) => {
      const { body, ending: signal, seesPersonal } = request;
      const reading = { ...readingOf(request), isMasked: !seesPersonal };
      const options = { ...(await profileOptions(body, reading)), signal };
      const { reference: _, ...report } = await store.profile(options);
      return report;
    },
    check,
  );
  post(
    "/v1/drift",
    async (request) => {
      const options = await driftOptions(request.body, readingOf(request));
      return store.drift({ ...options, signal: request.ending });
    },
    check,
  );
  post(
    "/v1/skew",
    ({ body, ending: signal, seesPersonal }) => {
      const personal = personalOf(seesPersonal);
      return store.skew({ ...skewOptions(body, limits), personal, signal });
    },
    check,
  );
  post(
    "/v1/quality",
    ({ body, ending: signal, seesPersonal }) => {
      const personal = personalOf(seesPersonal);
      return store.quality({ ...qualityOptions(body, limits), personal, signal });
    },
    check,
  );
  post(
    "/v1/timeline",
    ({ body, ending: signal, seesPersonal }) => {
      const personal = personalOf(seesPersonal);
      return store.timeline({ ...timelineRequest(body, { names, limits }), personal, signal });
    },
    { unbounded: false },
  );
  for (const [url, own] of methods) refuseOtherMethods(app, url, ...own);
}
