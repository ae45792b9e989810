/** Requests that are being worked on: how many there may be, and how long each may take. */
import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Limits } from "./limits.ts";

interface Work {
  readonly reply: FastifyReply;
  readonly since: number;
  ending: AbortController | null;
}

export interface InFlight {
  readonly count: number;
}

/** Adds to the app what admits requests and ends those that take too long. A timer for each request would cost more than most requests do, so one looks at all. */
export function watchRequests(app: FastifyInstance, limits: Pick<Limits, "inFlight" | "requestMs">): InFlight {
  const working = new Map<FastifyRequest, Work>();

  app.decorateRequest("ending", {
    getter(this: FastifyRequest): AbortSignal {
      const work = working.get(this);
      if (work === undefined) return AbortSignal.abort();
      if (work.ending === null) {
        const ending = (work.ending = new AbortController());
        work.reply.raw.once("close", () => { ending.abort(); });
      }
      return work.ending.signal;
    },
  });
  app.addHook("preHandler", (request, reply, done) => {
    if (working.size >= limits.inFlight) {
      done(new TidemarkError("SERVER_BUSY", `the server works on ${working.size} requests, and takes no more at one time; come again in a second`));
      return;
    }
    working.set(request, { reply, since: performance.now(), ending: null });
    done();
  });
  app.addHook("onResponse", (request, _reply, done) => {
    working.delete(request);
    done();
  });

  const sweep = setInterval(() => {
    const latest = performance.now() - limits.requestMs;
    for (const [request, { reply, since, ending }] of working) {
      if (since > latest) break; // they lie in the order they came in
      if (request.routeOptions.config.unbounded === true || reply.sent) continue;
      const error = new TidemarkError("REQUEST_TIMED_OUT", `the request took longer than ${limits.requestMs} ms; ask for less at a time, or come again`);
      ending?.abort(error);
      if (!reply.sent) reply.send(error);
    }
  }, Math.max(5, Math.min(250, limits.requestMs / 4))).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(sweep);
    done();
  });

  return {
    get count() {
      return working.size;
    },
  };
}
