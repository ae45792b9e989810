/** Serves the audit table under `/v1/audits`. */
import type { AuditsOptions } from "@tidemark/core";
import { AUDIT_ACTIONS } from "@tidemark/core/internal";
import type { FastifyInstance } from "fastify";
import type { Serving } from "../http/serving.ts";
import { refuseOtherMethods } from "./other-methods.ts";
import { bodyOf, choiceIn, requestInvalid, textIn, timeIn } from "./request-body.ts";

const JSON_TYPE = "application/json; charset=utf-8";
/** The parameters of the query. */
const PARAMETERS = ["from", "to", "action", "limit"];
/** The greatest value of `limit`. */
export const MOST_AUDITS = 10_000;

/** Adds the route to `app`. */
export function auditRoutes(app: FastifyInstance, { store }: Serving): void {
  app.get("/v1/audits", { config: { scope: "operate" } }, async (request, reply) => {
    const audits = await store.audits({ ...auditsQuery(request.query), signal: request.ending });
    return reply.type(JSON_TYPE).send(JSON.stringify({ audits }));
  });
  refuseOtherMethods(app, "/v1/audits", "GET");
}

/**
 * Reads the query. The store checks the times.
 *
 * @throws REQUEST_INVALID when a parameter is unknown, given twice or wrong.
 */
function auditsQuery(query: unknown): AuditsOptions {
  const given = bodyOf({ ...(query as object) }, PARAMETERS, "the query");
  const limit = textIn(given, "limit");
  if (limit !== undefined && !(/^\d{1,5}$/.test(limit) && Number(limit) <= MOST_AUDITS))
    throw requestInvalid(`limit: give a whole number from 0 to ${MOST_AUDITS}`);
  return {
    from: timeIn(given, "from"),
    to: timeIn(given, "to"),
    action: given["action"] === undefined ? undefined : choiceIn(given, "action", AUDIT_ACTIONS),
    limit: limit === undefined ? undefined : Number(limit),
  };
}
