/** Holds the JSON Schemas of the answers about the state of the store. */
import { SCOPES } from "../../http/authentication.ts";
import { CODE } from "../fixed-schemas.ts";
import { listOf, objectOf, openObject, type Schema } from "../wire-schemas.ts";

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };
const NUMBER_OR_NULL: Schema = { type: ["number", "null"] };
const TIME: Schema = { type: "string", format: "date-time" };
const FLAG: Schema = { type: "boolean" };

/** The schema of the answer of `GET /v1/me`. */
export function callerSchema(): Schema {
  return objectOf({
    caller: { ...TEXT_OR_NULL, description: "The name of the token. null: there are no tokens" },
    scopes: listOf({ type: "string", enum: SCOPES }),
    personal: { ...FLAG, description: "Whether the caller sees personal values" },
    tokens: { ...FLAG, description: "Whether the server has tokens" },
    now: { ...TIME, description: "The store's time, by which windows are cut" },
  });
}

/** The schema of the answer of `GET /v1/readiness`. */
export function readinessSchema(): Schema {
  return listOf(
    objectOf({
      source: TEXT,
      isReady: FLAG,
      needsBackfill: { ...listOf(TEXT), description: "Features, as view.feature" },
      reason: { anyOf: [CODE, { type: "null" }] },
      message: TEXT_OR_NULL,
    }),
  );
}

const KIND: Schema = { ...TEXT, description: "What it is, such as source, view or feature" };
const ACTION: Schema = { type: "string", enum: ["added", "changed", "renamed", "removed"] };
const CHANGE = {
  kind: KIND,
  name: TEXT,
  action: ACTION,
  version: COUNT,
  details: listOf(TEXT),
  destructive: TEXT_OR_NULL,
} as const;
const SERVING: Schema = openObject({
  kind: { type: "string", enum: ["now", "backfill", "filling", "empty", "unknown"] },
  why: TEXT_OR_NULL,
  code: TEXT_OR_NULL,
});
const APPLIED = { at: TIME, by: TEXT, version: COUNT } as const;

/** The schema of the answer of `GET /v1/plan`. */
export function planSchema(): Schema {
  return openObject({
    namespace: TEXT,
    applied: { anyOf: [openObject(APPLIED), { type: "null" }] },
    changes: listOf(
      openObject({
        ...CHANGE,
        usedBy: listOf(TEXT),
        serving: { anyOf: [SERVING, { type: "null" }] },
        consequences: listOf(TEXT),
        owners: listOf(TEXT),
      }),
    ),
    runtime: listOf(openObject({ zone: TEXT_OR_NULL, applied: TEXT, here: TEXT })),
    metadata: listOf(openObject({ kind: KIND, name: TEXT, details: listOf(TEXT) })),
    lowered: listOf(openObject({ feature: TEXT, sensitivity: TEXT, from: TEXT })),
    reusedVersions: listOf(openObject({ transform: TEXT, version: COUNT })),
    waiting: listOf(openObject({ feature: TEXT, serving: SERVING })),
    work: listOf(openObject({ source: TEXT, rewrite: ESTIMATE, backfill: ESTIMATE })),
    materialized: listOf(openObject({ view: TEXT, days: COUNT, rows: COUNT, command: TEXT })),
    kept: listOf(openObject({ source: TEXT, features: listOf(TEXT), rows: COUNT })),
  });
}

const ESTIMATE: Schema = {
  anyOf: [
    openObject({ rows: COUNT, seconds: { type: "number" }, bytes: NUMBER_OR_NULL }),
    { type: "null" },
  ],
};

/** The schema of the answer of `GET /v1/applies`. */
export function appliesSchema(): Schema {
  return listOf(
    objectOf({
      ...APPLIED,
      from: TEXT_OR_NULL,
      changes: { anyOf: [listOf(objectOf(CHANGE)), { type: "null" }] },
      omitted: COUNT,
    }),
  );
}

/** The schema of the answer of `GET /v1/checks`. */
export function checksSchema(): Schema {
  return objectOf({
    drift: listOf(
      objectOf({
        of: { ...TEXT, description: "What was compared, such as source transactions" },
        column: TEXT,
        measuredAt: TIME,
        measures: { type: "object", additionalProperties: { type: "number" } },
        isDrifted: FLAG,
      }),
    ),
    expectations: listOf(
      objectOf({
        quality: TEXT,
        expectation: TEXT,
        on: TEXT,
        severity: { type: "string", enum: ["error", "warning"] },
        holds: FLAG,
        measured: NUMBER_OR_NULL,
        failing: COUNT,
        checkedAt: TIME,
      }),
    ),
  });
}

/** The schema of the answer of `GET /v1/connectors`. */
export function connectorsSchema(): Schema {
  const reason = { ...TEXT_OR_NULL, description: "Why it failed. null: it has not failed" };
  const task = objectOf({ id: COUNT, state: TEXT, worker: TEXT, reason });
  return listOf(
    objectOf({
      name: TEXT,
      state: {
        ...TEXT_OR_NULL,
        description: "In the words of Kafka Connect, such as RUNNING. null: it could not be asked",
      },
      worker: TEXT_OR_NULL,
      reason,
      tasks: listOf(task),
      error: { ...TEXT_OR_NULL, description: "Why the connector could not be asked" },
    }),
  );
}

/** The schema of the answer of `GET /v1/tables`. */
export function storageSchema(): Schema {
  const table = openObject({
    table: TEXT,
    holds: TEXT,
    of: TEXT,
    version: COUNT,
    rows: COUNT,
    files: COUNT,
    bytes: COUNT,
    changed: TEXT_OR_NULL,
    oldest: TEXT_OR_NULL,
    newest: TEXT_OR_NULL,
  });
  const entityLog = objectOf({
    source: TEXT,
    keys: listOf(TEXT),
    entities: COUNT,
    rows: COUNT,
    segments: COUNT,
    isWhole: { ...FLAG, description: "false: the numbers are of some of the entities" },
    largest: listOf(objectOf({ key: { type: "object" }, rows: COUNT, segments: COUNT })),
  });
  return objectOf({
    history: {
      anyOf: [
        objectOf({ store: TEXT, tables: { anyOf: [listOf(table), { type: "null" }] } }),
        { type: "null" },
      ],
    },
    online: {
      anyOf: [
        objectOf({
          store: TEXT,
          cells: { type: ["integer", "null"] },
          bytes: { type: ["integer", "null"] },
          entityLogs: listOf(entityLog),
        }),
        { type: "null" },
      ],
    },
    advice: listOf(TEXT),
  });
}
