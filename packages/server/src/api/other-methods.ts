import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance } from "fastify";

/** Answers every method but `methods` with 405, `METHOD_UNKNOWN` and the header `Allow`. */
export function refuseOtherMethods(
  app: FastifyInstance,
  url: string,
  ...methods: readonly ("GET" | "POST" | "DELETE")[]
): void {
  const allowed: readonly string[] = methods.flatMap((one) =>
    one === "GET" ? ["GET", "HEAD"] : [one],
  );
  app.route({
    method: app.supportedMethods.filter((one) => !allowed.includes(one)),
    url,
    config: { scope: null },
    // the answer comes before the body is read, because the body may have any form
    onRequest: (request, reply, done) => {
      reply.header("allow", allowed.join(", "));
      done(
        new TidemarkError(
          "METHOD_UNKNOWN",
          `${request.url.split("?")[0]!.slice(0, 100)} has no ${request.method}; ` +
            `send ${methods.join(" or ")}`,
        ),
      );
    },
    handler: () => undefined,
  });
}
