/** Limits the requests: how many are in flight, and how long each may take. */
import type { Socket } from "node:net";
import { TidemarkError } from "@tidemark/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * A request that is not answered yet: an entry of a linked list in order of arrival. A Set in place
 * of the list would keep answered requests in memory until the next full garbage collection.
 */
interface OpenRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly socket: Socket;
  readonly since: number;
  /** True if the request takes a place among the requests in flight. */
  counted: boolean;
  /** When its answer was first seen as sent. null: it is not answered yet. */
  answered: number | null;
  /** The bytes that its connection had sent at `answered`. */
  sentBytes: number;
  ending: AbortController | null;
  before: OpenRequest | null;
  after: OpenRequest | null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The entry of the request. null: the request is answered, or its connection has closed. */
    work: OpenRequest | null;
  }
}

/** The number of requests in flight. */
export interface RequestCount {
  readonly count: number;
}

/** The limits of the requests in flight. Times are in ms. */
export interface RequestLimits {
  readonly maxInFlight: number;
  /** The greatest number of requests of one connection that wait for their answer. */
  readonly maxPerConnection: number;
  /** The time limit of one request, until its answer is ready. */
  readonly timeout: number;
  /** How long a caller may take to receive an answer. */
  readonly answerTimeout: number;
}

/** The number of requests of each connection that wait for their answer. */
const waitingOf = new WeakMap<Socket, { waiting: number }>();

/**
 * Adds hooks that admit requests and end the requests that take too long. One timer checks all
 * requests, because a timer for each request would cost more than most requests. A request's place
 * is free when its answer was sent, or when its connection has closed.
 */
export function limitRequests(
  app: FastifyInstance,
  { maxInFlight, maxPerConnection, timeout, answerTimeout }: RequestLimits,
): RequestCount {
  let [oldest, newest, count]: [OpenRequest | null, OpenRequest | null, number] = [null, null, 0];

  function begin(work: OpenRequest): void {
    work.before = newest;
    if (newest === null) oldest = work;
    else newest.after = work;
    newest = work;
    work.request.work = work;
  }

  /** Removes a request: it was answered, or its connection has closed. */
  function end(work: OpenRequest): void {
    const { before, after } = work;
    if (before === null) oldest = after;
    else before.after = after;
    if (after === null) newest = before;
    else after.before = before;
    work.before = work.after = null;
    if (work.counted) count--;
    work.request.work = null;
  }

  /** Node does not close the answers that wait behind others on a connection. */
  function endAllOf(socket: Socket): void {
    for (let work = oldest, after: OpenRequest | null; work !== null; work = after) {
      ({ after } = work);
      if (work.socket !== socket) continue;
      end(work);
      work.ending?.abort();
    }
  }

  app.decorateRequest("work", null);
  app.decorateRequest("ending", {
    getter(this: FastifyRequest): AbortSignal {
      const { work } = this;
      return work === null ? AbortSignal.abort() : (work.ending ??= new AbortController()).signal;
    },
  });
  app.addHook("onRequest", (request, reply, done) => {
    const { socket } = request.raw;
    let connection = waitingOf.get(socket);
    if (connection === undefined) {
      waitingOf.set(socket, (connection = { waiting: 0 }));
      socket.once("close", () => {
        endAllOf(socket);
      });
    }
    if (!socket.destroyed)
      begin({
        request,
        reply,
        socket,
        since: performance.now(),
        counted: false,
        answered: null,
        sentBytes: 0,
        ending: null,
        before: null,
        after: null,
      });
    if (++connection.waiting <= maxPerConnection) done();
    else
      done(
        new TidemarkError(
          "SERVER_BUSY",
          `the connection: ${connection.waiting} of its requests wait for their answer, and ` +
            `limits.requestsPerConnection allows ${maxPerConnection}; ` +
            "send the next requests after an answer",
        ),
      );
  });
  app.addHook("preHandler", (request, _reply, done) => {
    const { work } = request;
    if (work === null || request.routeOptions.config.uncounted === true) done();
    else if (count < maxInFlight) {
      work.counted = true;
      count++;
      done();
    } else
      done(
        new TidemarkError(
          "SERVER_BUSY",
          `the server: ${count} requests are in flight, as many as limits.requestsInFlight ` +
            "allows; repeat the request after a second",
        ),
      );
  });
  app.addHook("onResponse", (request, _reply, done) => {
    if (request.work !== null) end(request.work);
    const connection = waitingOf.get(request.raw.socket);
    if (connection !== undefined) connection.waiting--;
    done();
  });

  function check(work: OpenRequest, now: number): void {
    const { request, reply, ending } = work;
    // an answer in pieces is sent when its last piece is
    if (reply.sent || reply.raw.headersSent) {
      // a file may take its time, as long as the caller receives of it
      const { bytesWritten } = work.socket;
      if (request.routeOptions.config.file === true && bytesWritten !== work.sentBytes) {
        work.answered = now;
        work.sentBytes = bytesWritten;
      }
      work.answered ??= now;
      if (now - work.answered > answerTimeout) work.socket.destroy();
    } else if (
      work.counted &&
      now - work.since >= timeout &&
      request.routeOptions.config.unbounded !== true
    ) {
      const error = new TidemarkError(
        "REQUEST_TIMED_OUT",
        `the request took longer than ${timeout} ms, its limit timeouts.request; ` +
          "request fewer entities or features, or repeat the request",
      );
      ending?.abort(error);
      if (!reply.sent) reply.send(error);
    }
  }

  const cleanup = setInterval(
    () => {
      const now = performance.now();
      for (let work = oldest, after: OpenRequest | null; work !== null; work = after) {
        ({ after } = work); // read `after` before the request is answered and leaves the list
        check(work, now);
      }
    },
    Math.max(5, Math.min(250, timeout / 4, answerTimeout / 4)),
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
