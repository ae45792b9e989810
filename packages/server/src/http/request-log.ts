/**
 * Writes one JSON line for each request and each failure, in the format of pino. A line never has a
 * token. A line has entities only with the option `entities`.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { LogOptions } from "../options/server-options.ts";

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
type Level = keyof typeof LEVELS;

/** The log of a server. */
export interface RequestLog {
  /** Writes a message with further members. */
  write(level: Level, message: string, members?: Readonly<Record<string, unknown>>): void;
  /** Writes the line of an answered request. */
  answered(request: FastifyRequest, reply: FastifyReply): void;
}

/** Makes the log. null: the server writes no log. */
export function requestLog(options: LogOptions | undefined): RequestLog | null {
  if (options === undefined) return null;
  const minLevel = LEVELS[options.level ?? "info"];
  const write: RequestLog["write"] = (level, msg, members) => {
    if (LEVELS[level] >= minLevel)
      options.write(
        JSON.stringify(
          { level: LEVELS[level], time: Date.now(), pid: process.pid, ...members, msg },
          bigintAsText,
        ) + "\n",
      );
  };
  return {
    write,
    answered(request, reply) {
      const status = reply.statusCode;
      write(status >= 500 ? "error" : "info", "request", {
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
