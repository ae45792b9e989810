/** Limits the requests in flight: their number, and the time of each request. */
import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * An admitted request: an entry of a linked list in order of arrival. A Set in place of the list
 * would keep answered requests in memory until the next full garbage collection.
 */
interface AdmittedRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly since: number;
  ending: AbortController | null;
  before: AdmittedRequest | null;
  after: AdmittedRequest | null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The entry of the request. null: the request is not admitted yet, or already answered. */
    work: AdmittedRequest | null;
  }
}

/** The number of requests in flight. */
export interface RequestCount {
  readonly count: number;
}

/** The limits of the requests in flight. `timeout` is the time limit of one request in ms. */
export interface RequestLimits {
  readonly maxInFlight: number;
  readonly timeout: number;
}

/**
 * Adds hooks that admit requests and end the requests that take too long. One timer checks all
 * requests, because a timer for each request would cost more than most requests.
 */
export function limitRequests(
  app: FastifyInstance,
  { maxInFlight, timeout }: RequestLimits,
): RequestCount {
  let [oldest, newest, count]: [AdmittedRequest | null, AdmittedRequest | null, number] = [
    null,
    null,
    0,
  ];

  function begin(work: AdmittedRequest): void {
    work.before = newest;
    if (newest === null) oldest = work;
    else newest.after = work;
    newest = work;
    count++;
  }

  function end(work: AdmittedRequest): void {
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
    if (count >= maxInFlight) {
      done(
        new TidemarkError(
          "SERVER_BUSY",
          `the server: ${count} requests are in flight, as many as limits.requestsInFlight ` +
            "allows; repeat the request after a second",
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

  const cleanup = setInterval(
    () => {
      const latest = performance.now() - timeout;
      for (
        let work = oldest, after: AdmittedRequest | null;
        work !== null && work.since <= latest;
        work = after
      ) {
        const { request, reply, ending } = work;
        ({ after } = work); // read `after` before the request is answered and leaves the list
        if (request.routeOptions.config.unbounded === true || reply.sent) continue;
        const error = new TidemarkError(
          "REQUEST_TIMED_OUT",
          `the request took longer than ${timeout} ms; ` +
            "request fewer entities or features, or repeat the request",
        );
        ending?.abort(error);
        if (!reply.sent) reply.send(error);
      }
    },
    Math.max(5, Math.min(250, timeout / 4)),
  ).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(cleanup);
    done();
  });

  return {
    get count() {
      return count;
    },
  };
}
