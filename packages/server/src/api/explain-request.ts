/** Reads the body of `POST /v1/explain` as the request of `store.explain`. */
import type { ExplainRequest } from "@tidemark/core";
import type { Limits } from "../options/limits.ts";
import { entityIn } from "./entity-of-request.ts";
import { bodyOf, choiceIn, requestInvalid, textIn, timeIn } from "./request-body.ts";
import type { FeatureNames } from "./requested-features.ts";

/** The forms of an explanation. */
export const EXPLAIN_FORMATS = ["json", "text", "test"] as const;
/** The values of the member `knowledge`. */
export const EXPLAIN_KNOWLEDGE = ["as-known", "as-corrected"] as const;
/** The values of the member `from`. */
export const EXPLAIN_FROM = ["history", "online"] as const;
/** The greatest value of the member `maxRows`. */
export const MOST_EXPLAINED_ROWS = 10_000;

/** A request for an explanation, and the form of its answer. */
export interface ExplainBody {
  readonly request: ExplainRequest<unknown, unknown>;
  readonly format: (typeof EXPLAIN_FORMATS)[number];
}

/**
 * Reads the request. The store checks the time and the keys.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws FEATURE_UNKNOWN when the view has no such feature. The message suggests the nearest name.
 * @throws VIEW_UNKNOWN when no view has the name.
 */
export function explainBody(
  given: unknown,
  { names, limits }: { readonly names: FeatureNames; readonly limits: Limits },
): ExplainBody {
  const body = bodyOf(given, [
    "feature",
    "entity",
    "asOf",
    "knowledge",
    "from",
    "maxRows",
    "format",
  ]);
  const name = textIn(body, "feature");
  if (name === undefined)
    throw requestInvalid('feature is missing; give one feature, as in "view:feature"');
  const features = names.list([name]);
  const { maxRows } = body;
  const isCount =
    Number.isInteger(maxRows) && Number(maxRows) >= 0 && Number(maxRows) <= MOST_EXPLAINED_ROWS;
  if (maxRows !== undefined && !isCount)
    throw requestInvalid(`maxRows: give a whole number from 0 to ${MOST_EXPLAINED_ROWS}`);
  return {
    request: {
      feature: features.selection,
      entity: entityIn(body, features, limits),
      asOf: timeIn(body, "asOf"),
      // without a choice, the store chooses
      knowledge:
        body["knowledge"] === undefined
          ? undefined
          : choiceIn(body, "knowledge", EXPLAIN_KNOWLEDGE),
      from: body["from"] === undefined ? undefined : choiceIn(body, "from", EXPLAIN_FROM),
      maxRows: maxRows as number | undefined,
    },
    format: choiceIn(body, "format", EXPLAIN_FORMATS),
  };
}
