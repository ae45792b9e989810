/** Holds the JSON Schemas of `POST /v1/timeline`. */
import { EXPLAIN_KNOWLEDGE } from "../explain-request.ts";
import { TIME, listOf, objectOf, type Schema } from "../wire-schemas.ts";
import { MOST_POINTS } from "./timeline-request.ts";

const TEXT: Schema = { type: "string" };
const ANSWER_TIME: Schema = { type: "string", format: "date-time" };
const KNOWLEDGE: Schema = { type: "string", enum: [...EXPLAIN_KNOWLEDGE] };

/** The schema of the body. */
export function timelineBody(): Schema {
  return objectOf(
    {
      features: {
        anyOf: [TEXT, listOf(TEXT, { minItems: 1 })],
        description: "Services, views, view:feature, and view:feature as other_name",
      },
      entity: { type: "object", description: "The entity keys, and the request data" },
      from: { ...TIME, description: "The first time of a request" },
      to: { ...TIME, description: "The last time of a request, included. Default: now" },
      knowledge: { ...KNOWLEDGE, description: "Which changes count. Default: as-known" },
      maxPoints: {
        type: "integer",
        minimum: 2,
        maximum: MOST_POINTS,
        description: "The most points of each feature. Default: 1,000",
      },
    },
    ["to", "knowledge", "maxPoints"],
  );
}

/** The schema of the answer. */
export function timelineSchema(): Schema {
  return objectOf({
    entity: { type: "object" },
    from: ANSWER_TIME,
    to: ANSWER_TIME,
    knowledge: KNOWLEDGE,
    features: listOf(
      objectOf({
        name: TEXT,
        feature: { ...TEXT, description: "view.feature" },
        type: TEXT,
        isExact: {
          type: "boolean",
          description: "true: each point holds until the next one. false: points are samples",
        },
        reason: {
          type: ["string", "null"],
          enum: ["clock", "points", "rows", null],
          description: "Why the points are samples",
        },
        points: listOf(objectOf({ at: ANSWER_TIME, value: {}, status: { type: "string" } })),
      }),
    ),
  });
}
