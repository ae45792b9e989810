/**
 * Formats errors for Feast's clients. The body is a JSON string that holds JSON with a module, a
 * class and a message. The client raises that class.
 */
import { isTidemarkError } from "@tidemark/core";
import type { PublicError } from "../http/http-errors.ts";
import { MalformedBody } from "./malformed.ts";

/** The class of `feast.errors` for each code. Other codes become `FeastError`. */
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
 * Formats an error as a status and a body. An unknown push source gets the status 422, as in Feast.
 * Other errors keep `status`.
 */
export function feastError(
  error: unknown,
  status: number,
  { code, message, reference }: PublicError,
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
  const feastJson = {
    module: "feast.errors",
    class: Object.hasOwn(CLASSES, code) ? CLASSES[code] : "FeastError",
    message,
    code,
    reference,
  };
  return {
    status: code === "SOURCE_UNKNOWN" ? 422 : status,
    body: JSON.stringify(JSON.stringify(feastJson)),
  };
}
