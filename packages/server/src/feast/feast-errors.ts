/**
 * Errors as Feast's clients take them: a JSON string that holds JSON with module, class and
 * message, from which they raise that class.
 */
import { isTidemarkError } from "@tidemark/core";
import { MalformedBody } from "./malformed.ts";

/** The class of `feast.errors` that says the same; `FeastError` for the rest. */
const CLASSES: Readonly<Record<string, string>> = {
  VIEW_UNKNOWN: "FeatureViewNotFoundException",
  SERVICE_UNKNOWN: "FeatureServiceNotFoundException",
  FEATURE_UNKNOWN: "SpecifiedFeaturesNotPresentError",
  SOURCE_UNKNOWN: "PushSourceNotFoundException",
  PUSH_NOT_ALLOWED: "PushSourceNotFoundException",
  NAME_TAKEN: "FeatureNameCollisionError",
  KEY_MISSING: "FeastEntityDFMissingColumnsError",
  TOKEN_MISSING: "FeastPermissionError",
  TOKEN_UNKNOWN: "FeastPermissionError",
  SCOPE_MISSING: "FeastPermissionError",
};

/** The body of the answer; `status` as everywhere, but for a push source, where Feast says 422. */
export function feastError(
  error: unknown,
  status: number,
): { readonly status: number; readonly body: string } {
  if (error instanceof MalformedBody)
    return { status, body: JSON.stringify({ detail: error.detail }) };
  if (isTidemarkError(error, "REQUEST_INVALID"))
    return {
      status,
      body: JSON.stringify({
        detail: [{ type: "json_invalid", loc: ["body"], msg: error.message }],
      }),
    };
  const { code, message } = isTidemarkError(error)
    ? error
    : { code: "INTERNAL", message: "the server failed at this request; its log says why" };
  const told = {
    module: "feast.errors",
    class: Object.hasOwn(CLASSES, code) ? CLASSES[code] : "FeastError",
    message,
    code,
  };
  return {
    status: code === "SOURCE_UNKNOWN" ? 422 : status,
    body: JSON.stringify(JSON.stringify(told)),
  };
}
