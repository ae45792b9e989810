/** Holds the JSON Schemas of quarantines, profiles, skew and expectations. */
import type { Definitions } from "@tidemark/core";
import { TIME, listOf, objectOf, openObject, type Schema } from "../wire-schemas.ts";
import { MOST_EXAMPLES } from "./check-requests.ts";

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };
const COUNT_OR_NULL: Schema = { type: ["integer", "null"], minimum: 0 };
const NUMBER_OR_NULL: Schema = { type: ["number", "null"] };
const TIME_OR_NULL: Schema = { type: ["string", "null"], format: "date-time" };
const ANSWER_TIME: Schema = { type: "string", format: "date-time" };
const DAY: Schema = { type: "string", format: "date" };
const FLAG: Schema = { type: "boolean" };
const KEY: Schema = { type: "object", description: "Values by column. Personal ones may be ***" };
/** What was measured. */
export const OF: Schema = objectOf({
  kind: { type: "string", enum: ["source", "view", "service", "rows"] },
  name: TEXT,
});

const BYTES_TEXT: Schema = {
  anyOf: [
    objectOf({
      text: { ...TEXT, description: "At most the first 2,000 bytes, or 1,000 in hex. May be ***" },
      encoding: { type: "string", enum: ["utf-8", "hex"] },
      size: { ...COUNT, description: "The number of all bytes" },
    }),
    { type: "null" },
  ],
};
/** The bytes of a message that could not be decoded. */
const MESSAGE_BYTES: Schema = {
  anyOf: [objectOf({ key: BYTES_TEXT, value: BYTES_TEXT }), { type: "null" }],
  description: "The first bytes of a message that could not be decoded",
};

/** The schema of the answer of `GET /v1/quarantine/{source}`. */
export function quarantineSchema(): Schema {
  return objectOf({
    source: TEXT,
    count: { ...COUNT, description: "The number of all rows, also beyond the limit" },
    rows: listOf(
      objectOf({
        source: TEXT,
        key: KEY,
        topic: TEXT_OR_NULL,
        partition: COUNT_OR_NULL,
        offset: { type: "integer" },
        column: { ...TEXT_OR_NULL, description: "null: the whole content" },
        reason: TEXT,
        committed: TIME_OR_NULL,
        original: MESSAGE_BYTES,
      }),
    ),
  });
}

/** The schema of the answer of `GET /v1/changes/{source}`. */
export function changesSchema(): Schema {
  return objectOf({
    source: TEXT,
    changes: listOf(
      objectOf({
        topic: TEXT,
        partition: COUNT,
        offset: { type: "integer" },
        kind: { type: "string", enum: ["upsert", "delete", "truncate", "none"] },
        op: TEXT_OR_NULL,
        committed: TIME_OR_NULL,
        order: TEXT_OR_NULL,
        isSnapshot: FLAG,
        transaction: TEXT_OR_NULL,
        message: { ...TEXT_OR_NULL, description: "The JSON text of the row. May be ***" },
        row: {
          type: ["object", "null"],
          description: "Values by column. Personal ones may be ***",
        },
        undecodable: { ...TEXT_OR_NULL, description: "Why the message could not be decoded" },
        original: MESSAGE_BYTES,
        invalid: listOf(objectOf({ column: TEXT, reason: TEXT })),
      }),
    ),
  });
}

/** Lists of one name or several. */
function namesOf(names: Iterable<string>): Schema {
  const list = [...names];
  const name: Schema = list.length === 0 ? TEXT : { type: "string", enum: list };
  return { anyOf: [name, listOf(name, { minItems: 1 })] };
}

function nameOf(names: Iterable<string>): Schema {
  const list = [...names];
  return list.length === 0 ? TEXT : { type: "string", enum: list };
}

const PROFILED = ["source", "view", "service", "trainingSet"] as const;

/** The members that say what is measured, and how. */
export function profiled({ sources, views, services }: Definitions): {
  readonly [name: string]: Schema;
} {
  return {
    source: nameOf(sources.keys()),
    view: { ...nameOf(views.keys()), description: "A materialized view" },
    service: { ...nameOf(services.keys()), description: "A service in the serving log" },
    trainingSet: { ...TEXT, description: "The id of a training set of the caller, which is done" },
    from: { ...DAY, description: "The first day. Default: the first that there is" },
    to: { ...DAY, description: "The day after the last. Default: all days" },
    columns: { ...namesOf([]), description: "Names of columns or features. Default: all" },
    zone: { ...TEXT, description: "The time zone of the days, an IANA name. Default: UTC" },
  };
}

/** Exactly one of a source, a view, a service and a training set is given. */
export const ONE_SUBJECT: Schema = { oneOf: PROFILED.map((name) => ({ required: [name] })) };

/** The schema of the body of `POST /v1/profile`. */
export function profileRequest(definitions: Definitions): Schema {
  const members = profiled(definitions);
  return { ...objectOf(members, Object.keys(members)), ...ONE_SUBJECT };
}

/** The statistics of a column. */
export const COLUMN_PROFILE: Schema = openObject({
  column: TEXT,
  type: TEXT,
  rows: COUNT,
  nulls: COUNT,
  nullRate: { type: "number" },
  distinct: COUNT,
  isExact: FLAG,
  isHidden: { ...FLAG, description: "Personal data: no value is shown" },
});

/** The schema of the answer of `POST /v1/profile`. */
export function profileSchema(): Schema {
  const day = { rows: COUNT, columns: listOf(COLUMN_PROFILE) } as const;
  return objectOf({
    of: OF,
    table: TEXT_OR_NULL,
    zone: TEXT,
    days: listOf(objectOf({ day: TEXT, ...day })),
    all: objectOf(day),
    counted: { ...COUNT, description: "The days that this call has counted" },
  });
}

/** The schema of the body of `POST /v1/skew`. */
export function skewRequest({ services }: Definitions): Schema {
  return objectOf(
    {
      from: { ...TIME, description: "Answers from this time on. Default: a day before to" },
      to: { ...TIME, description: "Answers before this time. Default: now" },
      features: { ...namesOf([]), description: "As view:feature. Default: all" },
      services: { ...namesOf(services.keys()), description: "Default: every request" },
      examples: {
        type: "integer",
        minimum: 0,
        maximum: MOST_EXAMPLES,
        description: "The most examples of each feature and kind. Default: 5",
      },
    },
    ["from", "to", "features", "services", "examples"],
  );
}

/** The schema of the answer of `POST /v1/skew`. */
export function skewSchema(): Schema {
  const count = objectOf({ values: COUNT, bits: COUNT });
  const counts = {
    compared: COUNT,
    wrong: { ...count, description: "What nothing explains. The target is 0" },
    late: count,
    early: count,
    behind: count,
    erased: count,
    latestBy: NUMBER_OR_NULL,
    otherDefinition: COUNT,
    notInHistory: COUNT,
    unanswered: COUNT,
  } as const;
  const { latestBy: _, ...totals } = counts;
  const value = objectOf({ value: TEXT, status: TEXT });
  return openObject({
    from: ANSWER_TIME,
    to: ANSWER_TIME,
    answers: COUNT,
    ...totals,
    features: listOf(openObject({ feature: TEXT, ...counts })),
    examples: listOf(
      objectOf({
        kind: { type: "string", enum: ["wrong", "late", "early", "behind", "erased"] },
        feature: TEXT,
        service: TEXT_OR_NULL,
        requestId: TEXT_OR_NULL,
        entity: KEY,
        asOf: ANSWER_TIME,
        answeredAt: ANSWER_TIME,
        logged: value,
        recomputed: value,
        bits: COUNT,
        change: TIME_OR_NULL,
        explain: { ...TEXT, description: "The command that explains the recomputed value" },
      }),
    ),
  });
}

/** The schema of the body of `POST /v1/quality`. */
export function qualityRequest({ qualities }: Definitions): Schema {
  return objectOf(
    {
      names: { ...namesOf(qualities.keys()), description: "Names of qualities. Default: all" },
      asOf: { ...TIME, description: "What was committed before it counts. Default: now" },
    },
    ["names", "asOf"],
  );
}

/** The schema of the answer of `POST /v1/quality`. */
export function qualitySchema(): Schema {
  return objectOf({
    asOf: ANSWER_TIME,
    failed: objectOf({ error: COUNT, warning: COUNT }),
    results: listOf(
      openObject({
        quality: TEXT,
        expectation: TEXT,
        on: TEXT,
        severity: { type: "string", enum: ["error", "warning"] },
        kind: TEXT,
        expected: TEXT,
        holds: FLAG,
        measured: NUMBER_OR_NULL,
        rows: COUNT,
        failing: COUNT,
        examples: listOf(KEY),
      }),
    ),
  });
}
