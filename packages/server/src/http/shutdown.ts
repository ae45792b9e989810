/** Stops a server without losing a request. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { ShutdownMs } from "../options/timeouts.ts";
import type { Serving } from "./serving.ts";

/**
 * Lets the grace period pass, accepts no more requests, and answers the requests in flight. After
 * `timeout` ms the remaining connections are closed.
 */
export async function shutDown(
  app: FastifyInstance,
  serving: Serving,
  { gracePeriod, timeout }: ShutdownMs,
): Promise<void> {
  serving.draining = true;
  if (gracePeriod > 0) await sleep(gracePeriod);
  const timer = setTimeout(() => {
    app.server.closeAllConnections();
  }, timeout);
  if (app.server.listening) {
    // the event loop accepts all waiting connections before setImmediate runs
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        app.server.close(() => {
          resolve();
        });
      });
    });
  }
  await app.close().finally(() => {
    clearTimeout(timer);
  });
}
