/** Serves the probes of an orchestrator or a load balancer: `/health` and `/ready`. */
import type { FastifyInstance } from "fastify";
import type { Serving } from "./serving.ts";

/**
 * Adds the probes to `app`. `/health` says that the process answers, and looks at no data. `/ready`
 * says whether the server may get requests.
 */
export async function probeRoutes(app: FastifyInstance, serving: Serving): Promise<void> {
  const probe = { config: { scope: null, uncounted: true } } as const;

  app.get("/health", probe, (_request, reply) => reply.code(200).send());

  app.get<{ readonly Querystring: { readonly onMissing?: unknown } }>(
    "/ready",
    probe,
    async (request, reply) => {
      const { sources, isReady, isReadyForNulls } = await serving.readiness();
      const wanted = request.query.onMissing === "null" ? isReadyForNulls : isReady;
      const ready = wanted && !serving.draining;
      if (!ready) reply.header("retry-after", "1");
      return reply
        .code(ready ? 200 : 503)
        .type("application/json; charset=utf-8")
        .send(
          JSON.stringify({
            ready,
            draining: serving.draining,
            sources: sources.map(({ source, reason, message, needsBackfill }) => ({
              source,
              ready: reason === null,
              reason,
              message,
              needsBackfill: needsBackfill.length,
            })),
          }),
        );
    },
  );
}
