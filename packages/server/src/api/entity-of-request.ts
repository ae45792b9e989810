/** Reads the entity of a request about one entity. */
import { checkKeys } from "../features/key-sizes.ts";
import type { Limits } from "../options/limits.ts";
import { jsonTypeOf, requestInvalid, type Body } from "./request-body.ts";
import type { RequestedFeatures } from "./requested-features.ts";

/**
 * Reads the member `entity`: the keys and the request data that the features need.
 *
 * @throws REQUEST_INVALID when it is no object.
 * @throws KEY_INVALID when a key is missing, superfluous or of another type.
 * @throws KEY_TOO_LARGE when a value of a key is larger than `limits` allows.
 */
export function entityIn(
  body: Body,
  features: RequestedFeatures,
  limits: Limits,
): Readonly<Record<string, unknown>> {
  const { entity } = body;
  if (typeof entity !== "object" || entity === null || Array.isArray(entity))
    throw requestInvalid(
      `entity is ${jsonTypeOf(entity)}; give an object with ` +
        features.keys.map((key) => key.name).join(", "),
    );
  const row = features.readRow(entity);
  checkKeys([row], features.keys, limits.keyBytes);
  return row as Readonly<Record<string, unknown>>;
}
