/** Holds the JSON Schemas of drift. */
import type { Definitions } from "@tidemark/core";
import { listOf, objectOf, openObject, type Schema } from "../wire-schemas.ts";
import { COLUMN_PROFILE, OF, ONE_SUBJECT, profiled } from "./check-schemas.ts";

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };
const NUMBER_OR_NULL: Schema = { type: ["number", "null"] };
const ANSWER_TIME: Schema = { type: "string", format: "date-time" };
const DAY: Schema = { type: "string", format: "date" };
const FLAG: Schema = { type: "boolean" };
const MEASURES = ["psi", "ks", "jensenShannon", "wasserstein", "nullRate"] as const;

/** The schema of the body of `POST /v1/drift`. */
export function driftRequest(definitions: Definitions): Schema {
  const members = profiled(definitions);
  const limit: Schema = { type: "number", minimum: 0 };
  const thresholds = Object.fromEntries(MEASURES.map((measure) => [measure, limit]));
  return {
    ...objectOf(
      {
        ...members,
        reference: {
          ...objectOf(
            {
              from: { ...DAY, description: "The first of other days of the same data" },
              to: { ...DAY, description: "The day after the last of them" },
              trainingSet: {
                ...TEXT,
                description: "The id of a training set of the caller, which is done",
              },
              profile: {
                ...openObject({ format: TEXT, name: TEXT, columns: { type: "array" } }),
                description: "The JSON of tidemark profile --out",
              },
            },
            ["from", "to", "trainingSet", "profile"],
          ),
          minProperties: 1,
          description: "Other days, a training set, or a fixed profile",
        },
        thresholds: {
          ...objectOf(thresholds, MEASURES),
          description: "A measure beyond its threshold is drift. Default: { psi: 0.2 }",
        },
        profiles: {
          ...FLAG,
          description: "Whether each column has the profiles of both sides. Default: false",
        },
        record: { ...FLAG, description: "Whether the result is kept. Default: true" },
      },
      [...Object.keys(members), "thresholds", "profiles", "record"],
    ),
    ...ONE_SUBJECT,
  };
}

/** The schema of the answer of `POST /v1/drift`. */
export function driftSchema(): Schema {
  const measures = Object.fromEntries(MEASURES.map((measure) => [measure, NUMBER_OR_NULL]));
  return objectOf({
    of: OF,
    reference: { ...TEXT, description: "The reference in words" },
    from: { type: ["string", "null"] },
    to: { type: ["string", "null"] },
    measuredAt: ANSWER_TIME,
    thresholds: { type: "object", additionalProperties: { type: "number" } },
    table: TEXT_OR_NULL,
    columns: listOf(
      objectOf(
        {
          column: TEXT,
          rows: COUNT,
          referenceRows: COUNT,
          isExact: FLAG,
          ...measures,
          exceeded: listOf({ type: "string", enum: [...MEASURES] }),
          profiles: sharedProfiles(),
        },
        ["profiles"],
      ),
    ),
    notCompared: listOf(TEXT),
    drifted: { ...COUNT, description: "The number of columns that drifted" },
  });
}

function sharedProfiles(): Schema {
  const value: Schema = { type: ["number", "string", "boolean"] };
  const histogram = objectOf({
    edges: listOf({ type: ["number", "string"] }),
    current: listOf(COUNT),
    reference: listOf(COUNT),
  });
  const frequent = listOf(objectOf({ value, rows: COUNT, referenceRows: COUNT }));
  return {
    ...objectOf({
      current: COLUMN_PROFILE,
      reference: COLUMN_PROFILE,
      histogram: { anyOf: [histogram, { type: "null" }] },
      frequent: { anyOf: [frequent, { type: "null" }] },
    }),
    description: "The profiles of both sides, with their values in the same bins",
  };
}

/** The schema of the answer of `GET /v1/drift`. */
export function driftHistorySchema(): Schema {
  const numbers = Object.fromEntries(MEASURES.map((measure) => [measure, { type: "number" }]));
  return objectOf({
    results: listOf(
      objectOf({
        column: TEXT,
        measuredAt: ANSWER_TIME,
        from: { type: ["string", "null"] },
        to: { type: ["string", "null"] },
        reference: { ...TEXT, description: "The reference in words" },
        rows: COUNT,
        referenceRows: COUNT,
        isExact: FLAG,
        measures: objectOf(numbers, MEASURES),
        thresholds: objectOf(numbers, MEASURES),
        exceeded: listOf({ type: "string", enum: [...MEASURES] }),
      }),
    ),
  });
}
