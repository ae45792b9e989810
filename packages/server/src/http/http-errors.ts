/** Maps an error's code to the status of the answer. */
import { isRetryable, isTidemarkError } from "@tidemark/core";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Formats an error as a status and JSON text. `status` is the usual status. */
export type ErrorForm = (
  error: unknown,
  status: number,
) => { readonly status: number; readonly body: string };
export type AnswerError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  form?: ErrorForm,
) => FastifyReply;

/**
 * The status of codes that are the caller's fault. Every other code is a fault of the server or its
 * stores.
 */
const STATUSES: Readonly<Record<string, number>> = {
  TOKEN_MISSING: 401,
  TOKEN_UNKNOWN: 401,
  SCOPE_MISSING: 403,
  VIEW_UNKNOWN: 404,
  FEATURE_UNKNOWN: 404,
  SERVICE_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_UNKNOWN: 405,
  BODY_TOO_LARGE: 413,
  PUSH_TOO_LARGE: 413,
  MEDIA_TYPE_UNKNOWN: 415,
  REQUEST_INVALID: 422,
  TOO_MANY_ENTITIES: 422,
  TOO_MANY_FEATURES: 422,
  TOO_MANY_ROWS: 422,
  KEY_INVALID: 422,
  VALUE_INVALID: 422,
  TIME_INVALID: 422,
  NAME_TAKEN: 422,
  TYPE_MISMATCH: 422,
  ASOF_BEFORE_HORIZON: 422,
  KEY_MISSING: 422,
  PUSH_INVALID: 422,
  PUSH_NOT_ALLOWED: 422,
  PUSH_ID_TAKEN: 409,
  DATE_INVALID: 422,
  TIME_ZONE_UNKNOWN: 422,
  DATE_NOT_OVER: 422,
  DATES_INVALID: 422,
  DATES_EMPTY: 422,
  STORE_MISSING: 422,
  MATERIALIZE_NOT_BEGUN: 422,
  MATERIALIZE_WITHOUT_HISTORY: 422,
  MATERIALIZE_CONTENDED: 409,
  MATERIALIZE_FENCED: 409,
  MATERIALIZED_IN_OTHER_ZONE: 409,
  SERVER_BUSY: 503,
  NEEDS_BACKFILL: 503,
  REQUEST_TIMED_OUT: 504,
};

export function statusOf(error: unknown): number {
  if (isTidemarkError(error) && Object.hasOwn(STATUSES, error.code)) return STATUSES[error.code]!;
  return isRetryable(error) ? 503 : 500;
}
