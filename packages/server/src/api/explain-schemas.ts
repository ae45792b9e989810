/** Holds the JSON Schemas of `POST /v1/explain`. */
import {
  EXPLAIN_FORMATS,
  EXPLAIN_FROM,
  EXPLAIN_KNOWLEDGE,
  MOST_EXPLAINED_ROWS,
} from "./explain-request.ts";
import { listOf, objectOf, type Schema } from "./wire-schemas.ts";

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const TIME: Schema = { type: "string", format: "date-time" };
const TIME_OR_NULL: Schema = { type: ["string", "null"], format: "date-time" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const COUNT_OR_NULL: Schema = { type: ["integer", "null"], minimum: 0 };
/** A value of any type: int64 and decimal as texts of digits, times as texts, bytes as base64. */
const VALUE: Schema = {};
const VALUES: Schema = { type: "object", description: "Values by column" };
const VALUES_OR_NULL: Schema = { type: ["object", "null"], description: "Values by column" };

/** The schema of the body. */
export function explainSchema(): Schema {
  return objectOf(
    {
      feature: { ...TEXT, description: "One feature, as view:feature" },
      entity: { type: "object", description: "The entity keys, and the request data" },
      asOf: { ...TIME, description: "The time of the answer. Default: now" },
      knowledge: {
        type: "string",
        enum: [...EXPLAIN_KNOWLEDGE],
        description: "Which changes count, in the history. Default: as-known",
      },
      from: {
        type: "string",
        enum: [...EXPLAIN_FROM],
        description: "Where the rows are read. Default: the history, if there is one",
      },
      maxRows: {
        type: "integer",
        minimum: 0,
        maximum: MOST_EXPLAINED_ROWS,
        description: "The most rows that each part lists inside, and outside. Default: 100",
      },
      format: {
        type: "string",
        enum: [...EXPLAIN_FORMATS],
        description:
          "json: this schema. text: for people. test: a test in TypeScript. Default: json",
      },
    },
    ["asOf", "knowledge", "from", "maxRows", "format"],
  );
}

/** The schema of the answer. */
export function explanationSchema(): Schema {
  const version = objectOf({
    knownFrom: TIME_OR_NULL,
    knownTo: TIME_OR_NULL,
    isSeen: { type: "boolean" },
    change: { type: "string", enum: ["row", "deleted", "elsewhere"] },
    row: VALUES_OR_NULL,
    quarantine: TEXT_OR_NULL,
    committed: TIME,
    order: TEXT,
    topic: TEXT_OR_NULL,
    partition: COUNT_OR_NULL,
    offset: COUNT_OR_NULL,
    transaction: TEXT_OR_NULL,
  });
  const row = objectOf(
    {
      source: TEXT,
      key: VALUES,
      time: TIME_OR_NULL,
      row: VALUES,
      reason: TEXT_OR_NULL,
      because: TEXT_OR_NULL,
      brings: { type: "object", description: "Values by expression" },
      without: VALUE,
      versions: listOf(version),
      lookups: listOf(objectOf({ source: TEXT, key: VALUES, version })),
    },
    ["without"],
  );
  const part = objectOf({
    name: TEXT,
    view: TEXT,
    source: TEXT,
    of: TEXT,
    keys: VALUES,
    filter: TEXT_OR_NULL,
    start: TIME_OR_NULL,
    end: TIME,
    edges: { type: ["array", "null"], items: TIME },
    value: VALUE,
    insideCount: COUNT,
    inside: listOf(row),
    outsideCount: COUNT,
    outside: listOf(row),
  });
  const answer = { knowledge: TEXT, value: VALUE, status: TEXT };
  return objectOf({
    feature: TEXT,
    type: TEXT,
    entity: VALUES,
    asOf: TIME,
    from: { type: "string", enum: [...EXPLAIN_FROM] },
    knowledge: { type: "string", enum: [...EXPLAIN_KNOWLEDGE] },
    value: VALUE,
    status: TEXT,
    eventTime: TIME_OR_NULL,
    isReproduced: { type: "boolean" },
    other: { anyOf: [objectOf(answer), { type: "null" }] },
    plan: TEXT,
    steps: listOf(objectOf({ name: TEXT, expression: TEXT, value: VALUE, status: TEXT })),
    parts: listOf(part),
  });
}
