/** Serves Feast's HTTP protocol. */
import { TidemarkError, isTidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AnswerError } from "../http/http-errors.ts";
import { errorText } from "@tidemark/core/internal";
import { auditCaller } from "../http/audit-caller.ts";
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

  app.post(
    "/get-online-features",
    { config: { scope: "read", python: true } },
    async (request, reply) => {
      const online = readOnlineRequest(request.body, serving);
      request.entityCount = online.length;
      const { selection, selected } = online.plan.features;
      request.service = online.service ?? serving.serviceOf(selection, selected);
      const body = await onlineAnswer(serving, online, {
        ending: () => request.ending,
        requestId: request.id,
      });
      return reply.header("content-type", JSON_TYPE).send(body);
    },
  );

  const { audit } = serving;

  async function pushed(
    read: () => PushedRows,
    request: FastifyRequest,
    reply: FastifyReply,
    body: string,
  ): Promise<FastifyReply> {
    const id = request.headers["idempotency-key"];
    try {
      await audit.record(request, async (details) => {
        const { source, rows } = read();
        request.entityCount = rows.length;
        const pushId = typeof id === "string" ? id : undefined;
        Object.assign(details, { source, pushId, rows: rows.length, deletes: 0 });
        const { position } = await serving.store.push(source, rows, {
          signal: request.ending,
          id: pushId,
          caller: auditCaller(request),
        });
        details.position = position;
      });
    } catch (error) {
      // the rows are durable, and the online store will have them soon
      if (!isTidemarkError(error, "PUSH_NOT_ONLINE_YET")) throw error;
      reply.code(202);
    }
    return reply.header("content-type", JSON_TYPE).send(body);
  }

  const push = { config: { scope: "push", python: true, audit: "push" } } as const;
  app.post("/push", push, (request, reply) =>
    pushed(() => rowsForSource(request.body, serving), request, reply, ""),
  );
  app.post("/write-to-online-store", push, (request, reply) =>
    pushed(() => rowsForView(request.body, serving), request, reply, "null"),
  );

  const materializing = materializer(serving.store, serving.zone);
  app.addHook("onClose", () => materializing.stop());

  async function materialized(
    asked: Materialization,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { views } = asked;
    const running = materializing.running(views);
    if (running.length > 0) {
      audit.refused(request, contended(running));
      return reply.code(409).send({ error: contended(running).message, feature_views: running });
    }
    const work = audit.record(request, async (details) => {
      details.views = views;
      details.days = await materializing.start(asked, auditCaller(request));
    });
    if (!asked.async) {
      await work;
      return reply.header("content-type", JSON_TYPE).send("null");
    }
    audit.accepted(request, { views });
    work.catch((error: unknown) => {
      serving.log.write("error", "a materialization failed", {
        request: request.id,
        views,
        error: errorText(error),
      });
    });
    return reply.code(202).send({ status: "accepted", feature_views: views });
  }

  const operate = {
    config: { scope: "operate", unbounded: true, python: true, audit: "materialize" },
  } as const;
  app.post("/materialize", operate, (request, reply) =>
    materialized(materialization(request.body, request.query, serving), request, reply),
  );
  app.post("/materialize-incremental", operate, (request, reply) =>
    materialized(incrementalMaterialization(request.body, request.query, serving), request, reply),
  );
}

function contended(views: readonly string[]): TidemarkError {
  return new TidemarkError(
    "MATERIALIZE_CONTENDED",
    `these feature views are being materialized: ${views.join(", ")}; ` +
      "repeat the request when that is done",
  );
}
