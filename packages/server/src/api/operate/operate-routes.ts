/** Serves what operators ask about the store: its state, its plan and its checks. */
import { toJson } from "@tidemark/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { SCOPES } from "../../http/authentication.ts";
import type { Serving } from "../../http/serving.ts";
import { refuseOtherMethods } from "../other-methods.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Adds the routes to `app`. */
export async function operateRoutes(app: FastifyInstance, serving: Serving): Promise<void> {
  const { store } = serving;

  function get(
    url: string,
    scope: "operate" | "any",
    answer: (request: FastifyRequest) => Promise<unknown>,
  ): void {
    app.get(url, { config: { scope } }, async (request, reply) =>
      reply.type(JSON_TYPE).send(JSON.stringify(toJson(await answer(request)))),
    );
    refuseOtherMethods(app, url, "GET");
  }

  get("/v1/me", "any", async ({ caller, scopes, seesPersonal }) => ({
    caller,
    scopes: scopes ?? SCOPES,
    personal: seesPersonal,
    tokens: scopes !== null,
  }));
  get("/v1/readiness", "operate", () => store.readiness());
  get("/v1/plan", "operate", ({ ending }) => store.plan({ signal: ending }));
  get("/v1/applies", "operate", ({ ending }) => store.applies({ signal: ending }));
  get("/v1/checks", "operate", () => store.checkResults());
}
