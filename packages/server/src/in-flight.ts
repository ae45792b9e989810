/** Requests that are being worked on: how many there may be, and how long each may take. */
import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Limits } from "./limits.ts";

/**
 * A member of the list of all, in the order they came in. A Map would do, but its tables hold on to
 * each other, and with them to every request since the last full collection.
 */
interface Work {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly since: number;
  ending: AbortController | null;
  before: Work | null;
  after: Work | null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null before it is admitted, and when it is answered. */
    work: Work | null;
  }
}

export interface InFlight {
  readonly count: number;
}

/**
 * Adds to the app what admits requests and ends those that take too long. A timer for each request
 * would cost more than most requests do, so one looks at all.
 */
export function watchRequests(
  app: FastifyInstance,
  limits: Pick<Limits, "inFlight" | "requestMs">,
): InFlight {
  let [oldest, newest, count]: [Work | null, Work | null, number] = [null, null, 0];

  function begin(work: Work): void {
    work.before = newest;
    if (newest === null) oldest = work;
    else newest.after = work;
    newest = work;
    count++;
  }

  function end(work: Work): void {
    const { before, after } = work;
    if (before === null) oldest = after;
    else before.after = after;
    if (after === null) newest = before;
    else after.before = before;
    work.before = work.after = null;
    count--;
  }

  app.decorateRequest("work", null);
  app.decorateRequest("ending", {
    getter(this: FastifyRequest): AbortSignal {
      const { work } = this;
      if (work === null) return AbortSignal.abort();
      if (work.ending === null) {
        const ending = (work.ending = new AbortController());
        work.reply.raw.once("close", () => {
          ending.abort();
        });
      }
      return work.ending.signal;
    },
  });
  app.addHook("preHandler", (request, reply, done) => {
    if (count >= limits.inFlight) {
      done(
        new TidemarkError(
          "SERVER_BUSY",
          `the server works on ${count} requests, and takes no more at one time; come again ` +
            "in a second",
        ),
      );
      return;
    }
    begin(
      (request.work = {
        request,
        reply,
        since: performance.now(),
        ending: null,
        before: null,
        after: null,
      }),
    );
    done();
  });
  app.addHook("onResponse", (request, _reply, done) => {
    if (request.work !== null) end(request.work);
    request.work = null;
    done();
  });

  const sweep = setInterval(
    () => {
      const latest = performance.now() - limits.requestMs;
      for (
        let work = oldest, after: Work | null;
        work !== null && work.since <= latest;
        work = after
      ) {
        const { request, reply, ending } = work;
        ({ after } = work); // before it is answered, and leaves the list
        if (request.routeOptions.config.unbounded === true || reply.sent) continue;
        const error = new TidemarkError(
          "REQUEST_TIMED_OUT",
          `the request took longer than ${limits.requestMs} ms; ask for less at a time, or ` +
            "come again",
        );
        ending?.abort(error);
        if (!reply.sent) reply.send(error);
      }
    },
    Math.max(5, Math.min(250, limits.requestMs / 4)),
  ).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(sweep);
    done();
  });

  return {
    get count() {
      return count;
    },
  };
}
