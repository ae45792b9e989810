/** Serves Feast's HTTP protocol. */
import { isTidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AnswerError } from "../http/http-errors.ts";
import type { Serving } from "../http/serving.ts";
import { feastError } from "./feast-errors.ts";
import {
  incrementalMaterialization,
  materialization,
  materializer,
  type Materialization,
} from "./materialize.ts";
import { onlineAnswer, readOnlineRequest } from "./online-features.ts";
import { rowsForSource, rowsForView, type PushedRows } from "./pushed-rows.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Adds the routes of Feast's protocol to `app`. */
export async function feastRoutes(
  app: FastifyInstance,
  serving: Serving,
  answerError: AnswerError,
): Promise<void> {
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, feastError));

  app.post("/get-online-features", { config: { scope: "read" } }, async (request, reply) => {
    const online = readOnlineRequest(request.body, serving);
    request.entityCount = online.length;
    return reply.header("content-type", JSON_TYPE).send(await onlineAnswer(serving.reads, online));
  });

  async function pushed(
    { source, rows }: PushedRows,
    request: FastifyRequest,
    reply: FastifyReply,
    body: string,
  ): Promise<FastifyReply> {
    request.entityCount = rows.length;
    const id = request.headers["idempotency-key"];
    try {
      await serving.store.push(source, rows, {
        signal: request.ending,
        ...(typeof id === "string" ? { id } : {}),
      });
    } catch (error) {
      // the rows are durable, and the online store will have them soon
      if (!isTidemarkError(error, "PUSH_NOT_ONLINE_YET")) throw error;
      reply.code(202);
    }
    return reply.header("content-type", JSON_TYPE).send(body);
  }

  const push = { config: { scope: "push" } } as const;
  app.post("/push", push, (request, reply) =>
    pushed(rowsForSource(request.body, serving), request, reply, ""),
  );
  app.post("/write-to-online-store", push, (request, reply) =>
    pushed(rowsForView(request.body, serving), request, reply, "null"),
  );

  const materializing = materializer(serving.store, serving.zone);
  app.addHook("onClose", () => materializing.stop());

  async function materialized(
    request: Materialization,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { views } = request;
    const running = materializing.running(views);
    if (running.length > 0) {
      return reply
        .code(409)
        .send({
          error:
            `these feature views are being materialized: ${running.join(", ")}; ` +
            "repeat the request when that is done",
          feature_views: running,
        });
    }
    const work = materializing.start(request);
    if (!request.async) {
      await work;
      return reply.header("content-type", JSON_TYPE).send("null");
    }
    work.catch((error: unknown) => {
      serving.log?.write("error", "a materialization failed", {
        views,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    });
    return reply.code(202).send({ status: "accepted", feature_views: views });
  }

  const operate = { config: { scope: "operate", unbounded: true } } as const;
  app.post("/materialize", operate, (request, reply) =>
    materialized(materialization(request.body, request.query, serving), reply),
  );
  app.post("/materialize-incremental", operate, (request, reply) =>
    materialized(incrementalMaterialization(request.body, request.query, serving), reply),
  );

  app.get("/health", { config: { scope: null } }, async (_request, reply) =>
    reply.code(!serving.draining && (await serving.healthy()) ? 200 : 503).send(),
  );
}
