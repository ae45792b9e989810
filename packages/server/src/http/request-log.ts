/**
 * Writes one JSON line for each request and each failure, with the members that pino's readers
 * know. A token is never written; entities only if the options say so.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { LogOptions } from "../options/server-options.ts";

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
type Level = keyof typeof LEVELS;

export interface RequestLog {
  say(level: Level, message: string, members?: Readonly<Record<string, unknown>>): void;
  answered(request: FastifyRequest, reply: FastifyReply): void;
}

export function requestLog(options: LogOptions | undefined): RequestLog | null {
  if (options === undefined) return null;
  const least = LEVELS[options.level ?? "info"];
  const say: RequestLog["say"] = (level, msg, members) => {
    if (LEVELS[level] >= least)
      options.write(
        JSON.stringify(
          { level: LEVELS[level], time: Date.now(), pid: process.pid, ...members, msg },
          bigintAsText,
        ) + "\n",
      );
  };
  return {
    say,
    answered(request, reply) {
      const status = reply.statusCode;
      say(status >= 500 ? "error" : "info", "request", {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status,
        ms: Math.round(reply.elapsedTime * 1000) / 1000,
        entities: request.entityCount,
        ...(request.caller === null ? {} : { caller: request.caller }),
        ...(options.entities === true && request.entityCount > 0 ? { body: request.body } : {}),
      });
    },
  };
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
