/** Maps errors to the status and the body of the answer. */
import { TidemarkError, isRetryable, isTidemarkError } from "@tidemark/core";
import { missingReason } from "@tidemark/core/internal";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";

/** An error as a caller may see it. */
export interface PublicError {
  readonly code: string;
  readonly message: string;
  /** The id of the request in the server's log. Errors of the caller have none. */
  readonly reference?: string | undefined;
}

/** Formats an error as a status and JSON text. `status` is the status by the error's code. */
export type ErrorForm = (
  error: unknown,
  status: number,
  shown: PublicError,
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
  ORIGIN_NOT_ALLOWED: 403,
  HOST_NOT_ALLOWED: 421,
  VIEW_UNKNOWN: 404,
  VIEW_DERIVED: 422,
  FEATURE_UNKNOWN: 404,
  SERVICE_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_UNKNOWN: 405,
  BODY_TOO_LARGE: 413,
  ANSWER_TOO_LARGE: 422,
  EXPLAIN_TOO_LARGE: 422,
  PERSONAL_MASKED: 403,
  SELECTION_INVALID: 422,
  OPTION_INVALID: 422,
  KEY_TOO_LARGE: 422,
  PUSH_TOO_LARGE: 413,
  MEDIA_TYPE_UNKNOWN: 415,
  REQUEST_INVALID: 422,
  TOO_MANY_ENTITIES: 422,
  TOO_MANY_FEATURES: 422,
  TOO_MANY_ROWS: 422,
  TOO_MANY_VALUES: 422,
  ENTITIES_INVALID: 422,
  ASKNOWN_BEFORE_HISTORY: 422,
  TRAINING_SETS_BUSY: 429,
  TRAINING_SET_UNKNOWN: 404,
  TRAINING_SET_RUNNING: 409,
  TRAINING_SET_ABORTED: 409,
  TRAINING_SET_LOST: 410,
  KEY_INVALID: 422,
  VALUE_INVALID: 422,
  TIME_INVALID: 422,
  NAME_TAKEN: 422,
  NAME_INVALID: 422,
  KEY_UNKNOWN: 422,
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
  PROFILE_INVALID: 422,
  PROFILE_CONTENDED: 409,
  COLUMN_UNKNOWN: 422,
  DRIFT_INVALID: 422,
  DRIFT_EMPTY: 422,
  QUALITY_UNKNOWN: 404,
  SERVING_LOG_MISSING: 422,
  SERVER_BUSY: 503,
  NEEDS_BACKFILL: 503,
  NOT_READY: 503,
  REQUEST_TIMED_OUT: 504,
};

/** Returns the status of an error: 503 if a retry may succeed, and 500 if its code is unknown. */
export function statusOf(error: unknown): number {
  if (isTidemarkError(error) && Object.hasOwn(STATUSES, error.code)) return STATUSES[error.code]!;
  return isRetryable(error) ? 503 : 500;
}

/** The codes of status 500 and more whose text the server writes for its callers. */
const TEXTS_FOR_CALLERS: readonly string[] = ["SERVER_BUSY", "REQUEST_TIMED_OUT"];
/** What a caller reads in place of a text that names stores. */
const PUBLIC_TEXTS: Readonly<Record<string, (reason: string | null) => string>> = {
  NEEDS_BACKFILL: (reason) =>
    `the server: ${reason ?? "a source of the request is not filled"}; repeat the request after ` +
    'the server\'s operators have run tidemark backfill, or send onMissing: "null"',
  NOT_READY: (reason) =>
    `the server: ${reason ?? "a source of the request is not filled"}; repeat the request when ` +
    "GET /ready answers 200",
  PUSH_NOT_ONLINE_YET: () =>
    "the server: the rows are in the history, and the online store takes them later; " +
    "pushing them again does no harm",
};

/**
 * Returns the error as a caller may see it. The text of a failure can hold paths, hosts and
 * statements, so a failure has a code and a reference: its text is in the server's log.
 */
export function publicError(error: unknown, status: number, reference: string): PublicError {
  const code = isTidemarkError(error) ? error.code : "INTERNAL";
  if (status < 500 && isTidemarkError(error)) return { code, message: error.message };
  const text = hasTextForCallers(error)
    ? (error as Error).message
    : Object.hasOwn(PUBLIC_TEXTS, code)
      ? PUBLIC_TEXTS[code]!(missingReason(error))
      : status === 503
        ? "the server: one of its stores is unavailable; repeat the request later"
        : "the server failed at this request; ask its operators for the reason in its log";
  return { code, message: `${text} (reference ${reference})`, reference };
}

/** Returns whether the answer has the whole text of the error, so that the log need not have it. */
export function hasTextForCallers(error: unknown): boolean {
  return isTidemarkError(error) && TEXTS_FOR_CALLERS.includes(error.code);
}

/** Returns whether work or a body was ended because the connection of its caller closed. */
export function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Node's error of a body that ends early
  return error.name === "AbortError" || error.message === "aborted";
}

/** Formats an error as the JSON API does. */
export const plainError: ErrorForm = (_error, status, { code, message, reference }) => ({
  status,
  body: JSON.stringify({ code, message, reference }),
});

/** Converts errors that Fastify finds before the route runs. Other errors stay unchanged. */
export function fromFastifyError(error: unknown): unknown {
  if (isTidemarkError(error)) return error;
  switch ((error as FastifyError).code) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new TidemarkError(
        "MEDIA_TYPE_UNKNOWN",
        "the body is not JSON; send it with the header Content-Type: application/json",
      );
    case "FST_ERR_BAD_URL":
      return new TidemarkError(
        "REQUEST_INVALID",
        "the request: its path is no valid URL; send a path of /openapi.json, and % as %25",
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
