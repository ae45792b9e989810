/** Feast's HTTP protocol. */
import type { FastifyInstance } from "fastify";
import type { Serving } from "../serving.ts";

export async function feastRoutes(app: FastifyInstance, serving: Serving): Promise<void> {
  app.get("/health", { config: { scope: null } }, (_request, reply) => reply.code(serving.draining ? 503 : 200).send());
}
