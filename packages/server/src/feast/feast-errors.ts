/**
 * Formats errors for Feast's clients: a JSON string that holds JSON with module, class and message.
 * The clients raise that class.
 */
import { isTidemarkError } from "@tidemark/core";
import { MalformedBody } from "./malformed.ts";

/** The class of `feast.errors` for a code; other codes become `FeastError`. */
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

/**
 * Returns the body of the answer. The status is the usual one, except that Feast's push answers 422
 * for an unknown push source.
 */
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
