/** Serves Tidemark's own JSON API under `/v1`. */
import { toJson } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Serving } from "../http/serving.ts";
import { featureNames } from "./requested-features.ts";
import { definitionsJson } from "./definitions-json.ts";
import { answerText, namedRequest, requestFor, type FeaturesRequest } from "./features-request.ts";
import { materializeOptions } from "./materialize-request.ts";
import { pushRequests } from "./push-request.ts";
import { openApiDocument } from "./openapi.ts";
import { refuseOtherMethods } from "./other-methods.ts";

const JSON_TYPE = "application/json; charset=utf-8";

interface NameParams {
  readonly Params: { readonly name: string };
}

/** Adds the routes of the JSON API to `app`. */
export async function apiRoutes(app: FastifyInstance, serving: Serving): Promise<void> {
  const { store, definitions, resolver, limits } = serving;
  const names = featureNames(definitions, resolver);
  const pushes = pushRequests(resolver, limits);
  const described = JSON.stringify(definitionsJson(definitions));
  const document = JSON.stringify(openApiDocument(definitions, limits));
  const read = { config: { scope: "read" } } as const;

  async function answered(
    question: FeaturesRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    request.entityCount = question.entities.length;
    return reply.type(JSON_TYPE).send(await answerText(serving, question, () => request.ending));
  }

  app.post("/v1/features", read, (request, reply) =>
    answered(namedRequest(request.body, names.list, limits), request, reply),
  );
  app.post<NameParams>("/v1/services/:name/features", read, (request, reply) =>
    answered(requestFor(request.body, names.service(request.params.name), limits), request, reply),
  );
  app.post<NameParams>("/v1/views/:name/features", read, (request, reply) =>
    answered(requestFor(request.body, names.view(request.params.name), limits), request, reply),
  );

  app.post<NameParams>("/v1/push/:name", { config: { scope: "push" } }, async (request, reply) => {
    const { rows, deletes, id } = pushes(request.params.name, request.body);
    request.entityCount = rows.length + deletes.length;
    return reply
      .type(JSON_TYPE)
      .send(
        JSON.stringify(
          await store.push(request.params.name, rows, { deletes, id, signal: request.ending }),
        ),
      );
  });

  app.post(
    "/v1/materialize",
    { config: { scope: "operate", unbounded: true } },
    async (request, reply) =>
      reply
        .type(JSON_TYPE)
        .send(
          JSON.stringify(
            await store.materialize({
              ...materializeOptions(request.body, serving),
              signal: request.ending,
            }),
          ),
        ),
  );

  app.get("/v1/definitions", read, (_, reply) => reply.type(JSON_TYPE).send(described));
  app.get("/openapi.json", { config: { scope: null } }, (_, reply) =>
    reply.type(JSON_TYPE).send(document),
  );
  app.get("/v1/status", { config: { scope: "operate" } }, async (_, reply) =>
    reply.type(JSON_TYPE).send(JSON.stringify({ sources: toJson(await store.status()) })),
  );

  for (const url of [
    "/v1/features",
    "/v1/services/:name/features",
    "/v1/views/:name/features",
    "/v1/push/:name",
    "/v1/materialize",
  ])
    refuseOtherMethods(app, url, "POST");
  for (const url of ["/v1/definitions", "/openapi.json", "/v1/status"])
    refuseOtherMethods(app, url, "GET");
}
