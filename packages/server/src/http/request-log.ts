/**
 * Writes one JSON line for each request and each failure, in the format of pino. A line never has a
 * token. A line has entities only with the option `entities`.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { LogOptions } from "../options/server-options.ts";
import { LEVELS, logLine, type Level } from "@tidemark/core/internal";

/** The log of a server. */
export interface RequestLog {
  /** Writes a message with further members. */
  write(level: Level, message: string, members?: Readonly<Record<string, unknown>>): void;
  /** Writes the line of an answered request. */
  answered(request: FastifyRequest, reply: FastifyReply): void;
}

/**
 * Makes the log. Without options only failures are written, to stderr: their answers do not have
 * their texts.
 */
export function requestLog(options: LogOptions | undefined): RequestLog {
  if (options === undefined)
    return {
      write(level, message, members) {
        if (level === "error") process.stderr.write(logLine(level, message, members));
      },
      answered: () => undefined,
    };
  const minLevel = LEVELS[options.level ?? "info"];
  const write: RequestLog["write"] = (level, message, members) => {
    if (LEVELS[level] >= minLevel) options.write(logLine(level, message, members));
  };
  return {
    write,
    answered(request, reply) {
      const status = reply.statusCode;
      write(status >= 500 ? "error" : "info", "request", {
        request: request.id,
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
