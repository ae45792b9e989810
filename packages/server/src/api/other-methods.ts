import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance } from "fastify";

/** Answers every method but `method` with 405, `METHOD_UNKNOWN` and the header `Allow`. */
export function refuseOtherMethods(
  app: FastifyInstance,
  url: string,
  method: "GET" | "POST",
): void {
  app.route({
    method: app.supportedMethods.filter(
      (one) => one !== method && !(method === "GET" && one === "HEAD"),
    ),
    url,
    config: { scope: null },
    // the answer comes before the body is read, because the body may have any form
    onRequest: (request, reply, done) => {
      reply.header("allow", method === "GET" ? "GET, HEAD" : method);
      done(
        new TidemarkError(
          "METHOD_UNKNOWN",
          `${request.url.split("?")[0]!.slice(0, 100)} has no ${request.method}; send ${method}`,
        ),
      );
    },
    handler: () => undefined,
  });
}
