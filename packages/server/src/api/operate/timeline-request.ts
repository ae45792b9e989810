/** Reads the body of `POST /v1/timeline` as the request of `store.timeline`. */
import type { TimelineRequest } from "@tidemark/core";
import type { Limits } from "../../options/limits.ts";
import { entityIn } from "../entity-of-request.ts";
import { EXPLAIN_KNOWLEDGE } from "../explain-request.ts";
import { bodyOf, choiceIn, requestInvalid, textsIn, timeIn } from "../request-body.ts";
import type { FeatureNames } from "../requested-features.ts";

/** The greatest value of the member `maxPoints`. */
export const MOST_POINTS = 5_000;

/**
 * Reads the request. The store checks the times and the keys.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws FEATURE_UNKNOWN when a view has no such feature. The message suggests the nearest name.
 * @throws VIEW_UNKNOWN when no view has the name.
 */
export function timelineRequest(
  given: unknown,
  { names, limits }: { readonly names: FeatureNames; readonly limits: Limits },
): TimelineRequest<unknown, unknown> {
  const body = bodyOf(given, ["features", "entity", "from", "to", "knowledge", "maxPoints"]);
  const features = names.list(textsIn(body, "features", limits.features));
  const { maxPoints } = body;
  const isCount =
    Number.isInteger(maxPoints) && Number(maxPoints) >= 2 && Number(maxPoints) <= MOST_POINTS;
  if (maxPoints !== undefined && !isCount)
    throw requestInvalid(`maxPoints: give a whole number from 2 to ${MOST_POINTS}`);
  const from = timeIn(body, "from");
  if (from === undefined) throw requestInvalid("from is missing; give the first time");
  return {
    features: features.selection,
    entity: entityIn(body, features, limits),
    from,
    to: timeIn(body, "to"),
    knowledge: choiceIn(body, "knowledge", EXPLAIN_KNOWLEDGE),
    maxPoints: maxPoints as number | undefined,
  };
}
