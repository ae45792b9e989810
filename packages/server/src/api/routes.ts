/** Serves Tidemark's own JSON API under `/v1`. */
import { toJson } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { auditCaller } from "../http/audit-caller.ts";
import type { Serving } from "../http/serving.ts";
import { auditRoutes } from "./audit-routes.ts";
import { explainBody } from "./explain-request.ts";
import { featureNames } from "./requested-features.ts";
import { definitionsJson } from "./definitions-json.ts";
import { answerBody, namedRequest, requestFor, type FeaturesRequest } from "./features-request.ts";
import { materializeOptions } from "./materialize-request.ts";
import { pushRequests } from "./push-request.ts";
import { lineageJson } from "./lineage-json.ts";
import { operateRoutes } from "./operate/operate-routes.ts";
import { openApiDocument } from "./openapi.ts";
import { refuseOtherMethods } from "./other-methods.ts";
import { trainingSetRoutes } from "./training-set-routes.ts";

const TEXT_TYPE = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

interface NameParams {
  readonly Params: { readonly name: string };
}

/** Adds the routes of the JSON API to `app`. */
export async function apiRoutes(app: FastifyInstance, serving: Serving): Promise<void> {
  const { store, definitions, resolver, limits, audit, trainingSets } = serving;
  const names = featureNames(definitions, resolver);
  const pushes = pushRequests(resolver, limits);
  const described = JSON.stringify(definitionsJson(definitions));
  const lineage = JSON.stringify(lineageJson(definitions, serving.exported));
  const document = JSON.stringify(
    openApiDocument(definitions, limits, { trainingSets: trainingSets !== null }),
  );
  const read = { config: { scope: "read" } } as const;

  async function answered(
    question: FeaturesRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { selection, selected } = question.features;
    request.service ??= serving.serviceOf(selection, selected);
    request.entityCount = question.entities.length;
    return reply
      .type(JSON_TYPE)
      .send(
        await answerBody(serving, question, {
          ending: () => request.ending,
          requestId: request.id,
        }),
      );
  }

  app.post("/v1/features", read, (request, reply) =>
    answered(namedRequest(request.body, names.list, limits), request, reply),
  );
  app.post<NameParams>("/v1/services/:name/features", read, (request, reply) => {
    const { name } = request.params;
    const features = names.service(name);
    request.service = name;
    return answered(requestFor(request.body, features, limits), request, reply);
  });
  app.post<NameParams>("/v1/views/:name/features", read, (request, reply) =>
    answered(requestFor(request.body, names.view(request.params.name), limits), request, reply),
  );

  app.post<NameParams>(
    "/v1/push/:name",
    { config: { scope: "push", audit: "push" } },
    async (request, reply) => {
      const pushed = await audit.record(request, async (details) => {
        const { name } = request.params;
        details.source = name.slice(0, 200);
        const { rows, deletes, id } = pushes(name, request.body);
        request.entityCount = rows.length + deletes.length;
        Object.assign(details, { pushId: id, rows: rows.length, deletes: deletes.length });
        const result = await store.push(name, rows, {
          deletes,
          id,
          caller: auditCaller(request),
          signal: request.ending,
        });
        details.position = result.position;
        return result;
      });
      return reply.type(JSON_TYPE).send(JSON.stringify(pushed));
    },
  );

  app.post(
    "/v1/materialize",
    { config: { scope: "operate", unbounded: true, audit: "materialize" } },
    async (request, reply) => {
      const materialized = await audit.record(request, async (details) => {
        const options = materializeOptions(request.body, serving);
        details.views = options.views?.map(String) ?? [...definitions.views.keys()];
        const result = await store.materialize({
          ...options,
          caller: auditCaller(request),
          signal: request.ending,
        });
        details.days = result.views.reduce((sum, { dates }) => sum + dates.length, 0);
        return result;
      });
      return reply.type(JSON_TYPE).send(JSON.stringify(materialized));
    },
  );

  app.post("/v1/explain", { config: { scope: "operate" } }, async (request, reply) => {
    const { request: asked, format } = explainBody(request.body, { names, limits });
    const explanation = await store.explain({
      ...asked,
      personal: request.seesPersonal ? "show" : "mask",
      signal: request.ending,
    });
    if (format === "json") return reply.type(JSON_TYPE).send(JSON.stringify(explanation));
    const text = format === "text" ? String(explanation) : explanation.toTest();
    return reply.type(TEXT_TYPE).send(text);
  });

  app.get("/v1/definitions", read, (_, reply) => reply.type(JSON_TYPE).send(described));
  app.get("/v1/lineage", read, (_, reply) => reply.type(JSON_TYPE).send(lineage));
  app.get("/openapi.json", { config: { scope: null, uncounted: true } }, (_, reply) =>
    reply.type(JSON_TYPE).send(document),
  );
  app.get("/v1/status", { config: { scope: "operate" } }, async (_, reply) => {
    const sources = await store.status();
    const skipped = sources.some(({ online }) => online !== null) ? await store.skipped() : [];
    return reply.type(JSON_TYPE).send(JSON.stringify(toJson({ sources, skipped })));
  });

  await app.register((scope) => operateRoutes(scope, serving, names));
  auditRoutes(app, serving);
  if (trainingSets !== null)
    await app.register((scope) => trainingSetRoutes(scope, serving, names, trainingSets));

  for (const url of [
    "/v1/features",
    "/v1/services/:name/features",
    "/v1/views/:name/features",
    "/v1/push/:name",
    "/v1/materialize",
    "/v1/explain",
  ])
    refuseOtherMethods(app, url, "POST");
  for (const url of ["/v1/definitions", "/v1/lineage", "/openapi.json", "/v1/status"])
    refuseOtherMethods(app, url, "GET");
}
