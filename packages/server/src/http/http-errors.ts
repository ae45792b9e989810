/** Maps errors to the status and the body of the answer. */
import { TidemarkError, isRetryable, isTidemarkError } from "@tidemark/core";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

/** Formats an error as a status and JSON text. `status` is the status by the error's code. */
export type ErrorForm = (
  error: unknown,
  status: number,
) => { readonly status: number; readonly body: string };
/** Answers a request with an error. */
export type AnswerError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  form?: ErrorForm,
) => FastifyReply;

/** The status of each code. Other codes are faults of the server or of its stores. */
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

/** Returns the status of an error: 503 if a retry may succeed, and 500 if its code is unknown. */
export function statusOf(error: unknown): number {
  if (isTidemarkError(error) && Object.hasOwn(STATUSES, error.code)) return STATUSES[error.code]!;
  return isRetryable(error) ? 503 : 500;
}

/** Formats an error as the JSON API does. */
export const plainError: ErrorForm = (error, status) => {
  const { code, message } = isTidemarkError(error)
    ? error
    : { code: "INTERNAL", message: "the server failed at this request; see the server's log" };
  return { status, body: JSON.stringify({ code, message }) };
};

/** Converts errors that Fastify finds before the route runs. Other errors stay unchanged. */
export function fromFastifyError(error: unknown, bodyBytes: number): unknown {
  if (isTidemarkError(error)) return error;
  switch ((error as FastifyError).code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new TidemarkError(
        "BODY_TOO_LARGE",
        `the body is larger than ${bodyBytes} bytes; ` +
          "send several requests, or raise limits.bodyBytes of the server",
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new TidemarkError(
        "MEDIA_TYPE_UNKNOWN",
        "the body is not JSON; send it with the header Content-Type: application/json",
      );
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new TidemarkError(
        "REQUEST_INVALID",
        "the body is not as long as its header Content-Length; send the right length",
      );
    default: {
      // every other 4xx error of Fastify is the caller's fault too
      const { statusCode, message } = error as Partial<FastifyError>;
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? new TidemarkError("REQUEST_INVALID", `the request: ${message}`)
        : error;
    }
  }
}
