import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance } from "fastify";

/**
 * Answers a method that a path does not have with 405, `METHOD_UNKNOWN`, and the method that it
 * has.
 */
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
    // before the body is read, which may be of any form
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
