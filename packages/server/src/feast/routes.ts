/** Feast's HTTP protocol. */
import type { FastifyInstance } from "fastify";
import type { AnswerError } from "../feature-server.ts";
import type { Serving } from "../serving.ts";
import { feastError } from "./feast-errors.ts";
import { onlineAnswer, onlineQuestion } from "./online-features.ts";

const JSON_TYPE = "application/json; charset=utf-8";

export async function feastRoutes(app: FastifyInstance, serving: Serving, answerError: AnswerError): Promise<void> {
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, feastError));

  app.post("/get-online-features", { config: { scope: "read" } }, async (request, reply) => {
    const question = onlineQuestion(request.body, serving);
    request.entityCount = question.length;
    return reply.header("content-type", JSON_TYPE).send(await onlineAnswer(serving.store, question));
  });

  app.get("/health", { config: { scope: null } }, async (_request, reply) => reply.code(!serving.draining && await serving.healthy() ? 200 : 503).send());
}
