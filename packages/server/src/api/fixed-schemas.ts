/** Holds the JSON Schemas that do not depend on the definitions. */
import { listOf, objectOf, type Schema } from "./wire-schemas.ts";

/** The schema of an error's code. */
export const CODE: Schema = { type: "string", pattern: "^[A-Z][A-Z0-9_]*$" };

const TEXT: Schema = { type: "string" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const TIME_OR_NULL: Schema = { type: ["string", "null"], format: "date-time" };

/** The type of a part: its members are those of a column. */
const PART: Schema = { type: "object", required: ["type", "nullable"] };

const COLUMN: { readonly [name: string]: Schema } = {
  name: TEXT,
  type: {
    type: "string",
    enum: [
      "string",
      "boolean",
      "int32",
      "int64",
      "float64",
      "decimal",
      "timestamp",
      "date",
      "bytes",
      "json",
      "list",
      "map",
      "struct",
    ],
  },
  nullable: { type: "boolean" },
  precision: { type: "integer", minimum: 1 },
  scale: COUNT,
  mode: { type: "string", enum: ["number", "micros"] },
  element: { ...PART, description: "The type of a list's elements" },
  keys: { ...PART, description: "The type of a map's keys" },
  values: { ...PART, description: "The type of a map's values" },
  fields: { ...listOf(PART), description: "The fields of a struct, each with its name" },
};
const OPTIONAL = ["precision", "scale", "mode", "element", "keys", "values", "fields"];

/** The schema of the metadata of a definition. */
export const METADATA: Schema = {
  ...objectOf(
    {
      description: TEXT,
      owner: TEXT,
      tags: listOf(TEXT),
      unit: TEXT,
      sensitivity: { type: "string", enum: ["public", "internal", "confidential", "pii"] },
      deprecated: objectOf({ replacedBy: TEXT, reason: TEXT, until: TEXT }, [
        "replacedBy",
        "reason",
        "until",
      ]),
    },
    ["description", "owner", "tags", "unit", "sensitivity", "deprecated"],
  ),
  description: "What people want to know of the definition",
};

/** The schema of the answer of `GET /v1/definitions`. */
export function definitionsSchema(): Schema {
  const described = (members: Readonly<Record<string, Schema>>, optional: string[] = []): Schema =>
    objectOf({ ...members, metadata: METADATA }, [...optional, "metadata"]);
  const columns = listOf(described(COLUMN, OPTIONAL));
  const features = listOf(
    described(
      { ...COLUMN, feature: { ...TEXT, description: "view:feature" }, description: TEXT },
      OPTIONAL,
    ),
  );
  return objectOf({
    services: listOf(described({ name: TEXT, keys: columns, features })),
    views: listOf(
      described(
        {
          name: TEXT,
          entity: TEXT,
          source: TEXT,
          through: {
            ...listOf(described({ name: TEXT })),
            description: "The sources of sources that it reads, if they have metadata",
          },
          kind: { type: "string", enum: ["window", "latest"] },
          ttl: { type: ["string", "null"] },
          keys: columns,
          features,
        },
        ["through"],
      ),
    ),
    derivedViews: listOf(described({ name: TEXT, keys: columns, features })),
    entities: listOf(described({ name: TEXT, keys: columns })),
    sources: listOf(
      described({
        name: TEXT,
        pushed: { type: "boolean" },
        primaryKey: listOf(TEXT),
        eventTime: { type: ["string", "null"] },
        columns,
      }),
    ),
  });
}

/** The schema of the answer to a push. */
export function pushedSchema(): Schema {
  return objectOf({
    rows: COUNT,
    deletes: COUNT,
    position: {
      type: ["integer", "null"],
      description: "The position of the last row among all rows pushed to the source",
    },
    committed: { ...TIME_OR_NULL, description: "When its rows became known" },
  });
}

const DAY: Schema = { type: "string", format: "date" };

/** The schema of the body of `POST /v1/materialize`. */
export function materializeSchema(views: readonly string[]): Schema {
  const view = views.length === 0 ? TEXT : { type: "string", enum: views };
  return objectOf(
    {
      views: {
        anyOf: [view, listOf(view, { minItems: 1 })],
        description: "The names of the views. Default: all views",
      },
      dates: { anyOf: [DAY, listOf(DAY, { minItems: 1 })] },
      from: { ...DAY, description: "The first day" },
      to: { ...DAY, description: "The day after the last" },
      zone: {
        ...TEXT,
        description: "The time zone of the days, an IANA name. Default: the server's zone",
      },
      incremental: {
        type: "boolean",
        description:
          "Computes every materialized day whose history changed again, and adds the days since",
      },
      online: {
        type: "boolean",
        description: "false writes the table only, and not the online store",
      },
    },
    ["views", "dates", "from", "to", "zone", "incremental", "online"],
  );
}

/** The schema of the answer of `POST /v1/materialize`. */
export function materializedSchema(): Schema {
  return objectOf({
    views: listOf(
      objectOf({
        view: TEXT,
        table: TEXT,
        dates: listOf(
          objectOf({
            date: DAY,
            rows: COUNT,
            state: { type: "string", enum: ["new", "recomputed"] },
          }),
        ),
        unchanged: COUNT,
        online: { type: ["string", "null"], format: "date" },
      }),
    ),
  });
}

/**
 * The schema of the answer of `GET /v1/status`. A source's status may have more members than this
 * schema lists.
 */
export function statusSchema(): Schema {
  const open = (
    properties: { readonly [name: string]: Schema },
    type: Schema["type"] = "object",
  ): Schema => ({ type, properties, required: Object.keys(properties) });
  const notTaken = open({
    kind: {
      type: "string",
      enum: ["undecodable", "quarantined", "invalid", "miskeyed", "skipped"],
    },
    source: { type: ["string", "null"] },
    reason: TEXT,
    column: { type: ["string", "null"] },
    count: COUNT,
    first: open({
      topic: TEXT,
      partition: { type: "integer" },
      offset: { type: "integer" },
      message: TEXT,
    }),
  });
  const position = open({ partition: TEXT, offset: { type: "integer" } });
  return objectOf({
    sources: listOf(
      open({
        source: TEXT,
        generation: COUNT,
        resnapshotting: { type: "boolean" },
        lastEvent: TIME_OR_NULL,
        lastCommit: TIME_OR_NULL,
        rowsTaken: { type: ["integer", "null"] },
        lag: open(
          {
            messages: COUNT,
            seconds: { type: ["integer", "null"] },
            at: TEXT,
            partitions: listOf(
              open({ partition: TEXT, messages: COUNT, seconds: { type: ["integer", "null"] } }),
            ),
          },
          ["object", "null"],
        ),
        lagUnknown: { type: ["string", "null"] },
        mismatches: listOf(
          open({
            column: { type: ["string", "null"] },
            reason: TEXT,
            rows: COUNT,
            of: COUNT,
            message: TEXT,
          }),
        ),
        online: open(
          {
            isReady: { type: "boolean" },
            needsBackfill: listOf(TEXT),
            backfill: open(
              {
                reason: { type: ["string", "null"] },
                changes: { type: ["integer", "null"] },
                of: { type: ["integer", "null"] },
                waitingFor: { type: ["string", "null"] },
                since: TIME_OR_NULL,
                workedAt: TIME_OR_NULL,
                isWorking: { type: "boolean" },
              },
              ["object", "null"],
            ),
            positions: listOf(position),
            horizon: TIME_OR_NULL,
            quarantinedChanges: COUNT,
            quarantinedRows: COUNT,
            nonFiniteValues: COUNT,
            invalidValues: COUNT,
            notTaken: listOf(notTaken),
            takenLater: COUNT,
            undecodable: COUNT,
            violations: listOf(
              open({
                expectation: TEXT,
                onViolation: { type: "string", enum: ["flag", "quarantine", "stop"] },
                messages: COUNT,
              }),
            ),
          },
          ["object", "null"],
        ),
        history: open({ positions: listOf(position), changes: COUNT, versions: COUNT }, [
          "object",
          "null",
        ]),
        backpressure: listOf({ type: "object" }),
      }),
    ),
    skipped: listOf(notTaken),
  });
}
