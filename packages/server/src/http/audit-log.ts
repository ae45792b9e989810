/**
 * Writes the audit log: one JSON line for each push, materialization and training set, and for each
 * request whose caller was refused. No level filters these lines, and none has a token or a row.
 */
import { isTidemarkError } from "@tidemark/core";
import type { FastifyRequest } from "fastify";
import type { AuditOptions, LogOptions } from "../options/server-options.ts";
import { statusOf } from "./http-errors.ts";
import { logLine } from "@tidemark/core/internal";

/** What a request does that the audit log records. */
export interface AuditDetails {
  source?: string | undefined;
  views?: readonly string[] | undefined;
  pushId?: string | undefined;
  rows?: number | undefined;
  deletes?: number | undefined;
  /** The position of the last pushed row in its source. */
  position?: number | null | undefined;
  /** The names of the features of a training set. */
  features?: readonly string[] | undefined;
  /** The id of a training set. */
  trainingSet?: string | undefined;
  /** The number of days that were materialized. */
  days?: number | undefined;
}

/** The action of a route that is audited. */
export type AuditedAction = "push" | "materialize" | "training-set";

/**
 * How an action ended.
 *
 * - done: it took effect.
 * - accepted: it is durable or begun, and takes effect later.
 * - refused: it had no effect.
 * - failed: the server failed, and the action may have taken effect.
 */
export type AuditOutcome = "done" | "accepted" | "refused" | "failed";

/** The audit log of a server. */
export interface AuditLog {
  /** Runs the work of a request, and records how it ended. The work adds to the details. */
  record<T>(request: FastifyRequest, work: (details: AuditDetails) => Promise<T>): Promise<T>;
  /** Records that the request's work has begun, and its answer does not wait for its end. */
  accepted(request: FastifyRequest, details: AuditDetails): void;
  /** Records a request that was refused before its work began. Other requests are left out. */
  refused(request: FastifyRequest, error: unknown): void;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The action that the audit log records for requests of the route. */
    readonly audit?: AuditedAction;
  }
  interface FastifyRequest {
    /** True once the work of the request is recorded, or will be. */
    audited: boolean;
  }
}

/** The longest text of a caller that a line holds. */
const MAX_TEXT = 200;

/** Makes the audit log. Default: its lines go to the request log, whatever the level of that is. */
export function auditLog(options: AuditOptions | undefined, log: LogOptions | undefined): AuditLog {
  const writeLine = options?.write ?? log?.write;

  function write(
    request: FastifyRequest,
    action: string,
    outcome: AuditOutcome,
    details: AuditDetails,
    error?: unknown,
  ): void {
    writeLine?.(
      logLine("info", "audit", {
        audit: true,
        action,
        outcome,
        ...(error === undefined
          ? {}
          : { code: isTidemarkError(error) ? error.code : "INTERNAL", status: statusOf(error) }),
        request: request.id,
        caller: request.caller,
        address: request.ip,
        method: request.method,
        route: request.routeOptions.url ?? null,
        ...details,
        ...(details.pushId === undefined ? {} : { pushId: details.pushId.slice(0, MAX_TEXT) }),
      }),
    );
  }

  return {
    async record(request, work) {
      request.audited = true;
      const details: AuditDetails = {};
      const action = request.routeOptions.config.audit ?? "request";
      try {
        const result = await work(details);
        write(request, action, "done", details);
        return result;
      } catch (error) {
        const outcome = isTidemarkError(error, "PUSH_NOT_ONLINE_YET")
          ? "accepted"
          : statusOf(error) < 500
            ? "refused"
            : "failed";
        write(request, action, outcome, details, error);
        throw error;
      }
    },
    accepted(request, details) {
      write(request, request.routeOptions.config.audit ?? "request", "accepted", details);
    },
    refused(request, error) {
      const status = statusOf(error);
      const action =
        status === 401
          ? "authenticate"
          : status === 403 || status === 421
            ? "authorize"
            : request.audited
              ? undefined
              : request.routeOptions.config.audit;
      if (action === undefined) return;
      request.audited = true;
      const { name } = (request.params ?? {}) as { readonly name?: unknown };
      const isPush = request.routeOptions.config.audit === "push" && typeof name === "string";
      write(
        request,
        action,
        status < 500 ? "refused" : "failed",
        isPush ? { source: name.slice(0, MAX_TEXT) } : {},
        error,
      );
    },
  };
}
