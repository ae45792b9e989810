/** Says how an action ended, by its error. */
import type { ErrorCode } from "../error-codes.ts";
import { isTidemarkError } from "../errors.ts";
import type { AuditOutcome } from "./audit-types.ts";

/** The codes of errors that an audited action throws before it changes anything. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  "ASKNOWN_BEFORE_HISTORY",
  "BODY_TOO_LARGE",
  "DATE_INVALID",
  "DATE_NOT_OVER",
  "DATES_EMPTY",
  "DATES_INVALID",
  "ENTITIES_INVALID",
  "ENTITIES_NOT_FOUND",
  "ENTITY_UNKNOWN",
  "KEY_INVALID",
  "LOG_NOT_ALLOWED",
  "MATERIALIZE_NOT_BEGUN",
  "MATERIALIZE_WITHOUT_HISTORY",
  "MATERIALIZED_IN_OTHER_ZONE",
  "MATERIALIZED_OF_OTHER_DEFINITION",
  "MEDIA_TYPE_UNKNOWN",
  "NAME_TAKEN",
  "OPTION_INVALID",
  "OPTION_UNKNOWN",
  "OUT_EXISTS",
  "OUT_IS_INPUT",
  "OUT_NOT_WRITABLE",
  "PUSH_ID_TAKEN",
  "PUSH_INVALID",
  "PUSH_NOT_ALLOWED",
  "PUSH_TOO_LARGE",
  "REGISTRY_CONFLICT",
  "REGISTRY_DESTRUCTIVE",
  "RETRY_UNSUPPORTED",
  "SELECTION_INVALID",
  "SOURCE_UNKNOWN",
  "STORE_MISSING",
  "TIME_INVALID",
  "TIME_ZONE_UNKNOWN",
  "TOO_MANY_ROWS",
  "TRAINING_SETS_BUSY",
  "TRANSFORM_CHANGED",
  "TYPE_MISMATCH",
  "VALUE_INVALID",
  "VIEW_DERIVED",
  "VIEW_UNKNOWN",
]);

/** The codes that say: the history is gone, or is not that of the store. */
const NOT_THIS_HISTORY: ReadonlySet<string> = new Set<ErrorCode>([
  "HISTORY_MISSING",
  "HISTORY_OF_OTHER_STORE",
  "HISTORY_OLDER",
]);

/** Whether the error says that this history must get nothing, and so no row of the audit either. */
export function isOfOtherHistory(error: unknown): boolean {
  return isTidemarkError(error) && NOT_THIS_HISTORY.has(error.code);
}

/** How an action ended that threw. The code is null if its signal aborted. */
export function outcomeOf(
  error: unknown,
  signal: AbortSignal | undefined,
): { readonly outcome: AuditOutcome; readonly code: string | null } {
  if (!isTidemarkError(error))
    return signal?.aborted === true
      ? { outcome: "interrupted", code: null }
      : { outcome: "failed", code: "UNEXPECTED" };
  const { code } = error;
  if (code === "TRAINING_SET_ABORTED") return { outcome: "interrupted", code };
  // the rows are durable, and the online store will have them
  if (code === "PUSH_NOT_ONLINE_YET") return { outcome: "done", code };
  return { outcome: REFUSALS.has(code) ? "refused" : "failed", code };
}
