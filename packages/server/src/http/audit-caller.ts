/** Says who sent a request, for the audit table of the store. */
import type { AuditCaller } from "@tidemark/core";
import type { FastifyRequest } from "fastify";

/** The name of the caller's token, and the caller's address. */
export function auditCaller({ caller, ip }: FastifyRequest): AuditCaller {
  return { by: caller ?? "anonymous", from: ip };
}
