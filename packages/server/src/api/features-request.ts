/** Reads the body of a request for features, and writes the answer. */
import type { Readable } from "node:stream";
import type { OnMissing } from "@tidemark/core";
import type { ReadBounds } from "../features/request-batching.ts";
import { checkKeys } from "../features/key-sizes.ts";
import type { Limits } from "../options/limits.ts";
import type { Serving } from "../http/serving.ts";
import type { RequestedFeatures } from "./requested-features.ts";
import { bodyOf, choiceIn, flagIn, rowsIn, textsIn, timeIn, type Body } from "./request-body.ts";
import type { Int64Form } from "./wire-values.ts";

/** A request for features. */
export interface FeaturesRequest {
  readonly features: RequestedFeatures;
  readonly entities: readonly unknown[];
  readonly asOf: string | undefined;
  readonly metadata: boolean;
  readonly int64: Int64Form;
  readonly onMissing: OnMissing;
}

const MEMBERS = ["entities", "asOf", "metadata", "int64", "onMissing"] as const;
/** The values of the member `int64`. */
export const INT64_FORMS = ["string", "number"] as const;
/** The values of the member `onMissing`. */
export const ON_MISSING: readonly [OnMissing, OnMissing] = ["error", "null"];

/**
 * Reads a request whose body names the features. `list` resolves the names.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws TOO_MANY_FEATURES when the body names more features than `limits` allows.
 * @throws TOO_MANY_ENTITIES when the body has more entities than `limits` allows.
 */
export function namedRequest(
  given: unknown,
  list: (names: readonly string[]) => RequestedFeatures,
  limits: Limits,
): FeaturesRequest {
  const body = bodyOf(given, ["features", ...MEMBERS]);
  return readRequest(body, list(textsIn(body, "features", limits.features)), limits);
}

/**
 * Reads a request whose path names the features.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws TOO_MANY_ENTITIES when the body has more entities than `limits` allows.
 */
export function requestFor(
  given: unknown,
  features: RequestedFeatures,
  limits: Limits,
): FeaturesRequest {
  return readRequest(bodyOf(given, MEMBERS), features, limits);
}

function readRequest(body: Body, features: RequestedFeatures, limits: Limits): FeaturesRequest {
  return {
    features,
    entities: rowsIn(body, "entities", limits.entities, "TOO_MANY_ENTITIES"),
    asOf: timeIn(body, "asOf"),
    metadata: flagIn(body, "metadata"),
    int64: choiceIn(body, "int64", INT64_FORMS),
    onMissing: choiceIn(body, "onMissing", ON_MISSING),
  };
}

/** Reads the features, and returns the JSON text of the answer, as a stream if it is large. */
export async function answerBody(
  { store, reads, answers, limits }: Serving,
  { features, entities, asOf, metadata, int64, onMissing }: FeaturesRequest,
  { ending, requestId }: Pick<ReadBounds, "ending" | "requestId">,
): Promise<string | Readable> {
  const writer = features.writer(int64, metadata);
  const { length } = entities;
  const maxBytes = answers.check({
    entities: length,
    features: features.count,
    bytesPerEntity: writer.bytesPerEntity,
  });
  const rows = entities.map(features.readRow);
  checkKeys(rows, features.keys, limits.keyBytes);
  return answers.write(
    length * features.count,
    async () =>
      asOf === undefined
        ? reads(features.selection, rows, { ending, maxBytes, onMissing, requestId })
        : {
            ...(await store.getOnlineColumns({
              features: features.selection,
              entities: rows,
              asOf,
              onMissing,
              signal: ending(),
              maxBytes,
              requestId,
            })),
            first: 0,
          },
    (answered) => writer.text(answered, length),
    (answered) => writer.pieces(answered, length),
  );
}
