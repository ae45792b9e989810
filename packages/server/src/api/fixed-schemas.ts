/** Holds the JSON Schemas that do not depend on the definitions. */
import { listOf, objectOf, type Schema } from "./wire-schemas.ts";

/** The schema of an error's code. */
export const CODE: Schema = { type: "string", pattern: "^[A-Z][A-Z0-9_]*$" };

const TEXT: Schema = { type: "string" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const TIME_OR_NULL: Schema = { type: ["string", "null"], format: "date-time" };

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
    ],
  },
  nullable: { type: "boolean" },
  precision: { type: "integer", minimum: 1 },
  scale: COUNT,
  mode: { type: "string", enum: ["number", "micros"] },
};
const OPTIONAL = ["precision", "scale", "mode"];

/** The schema of the answer of `GET /v1/definitions`. */
export function definitionsSchema(): Schema {
  const columns = listOf(objectOf(COLUMN, OPTIONAL));
  const features = listOf(
    objectOf(
      { ...COLUMN, feature: { ...TEXT, description: "view:feature" }, description: TEXT },
      OPTIONAL,
    ),
  );
  return objectOf({
    services: listOf(objectOf({ name: TEXT, keys: columns, features })),
    views: listOf(
      objectOf({
        name: TEXT,
        entity: TEXT,
        source: TEXT,
        kind: { type: "string", enum: ["window", "latest"] },
        ttl: { type: ["string", "null"] },
        keys: columns,
        features,
      }),
    ),
    entities: listOf(objectOf({ name: TEXT, keys: columns })),
    sources: listOf(
      objectOf({
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
  const position = open({ partition: TEXT, offset: { type: "integer" } });
  return objectOf({
    sources: listOf(
      open({
        source: TEXT,
        generation: COUNT,
        resnapshotting: { type: "boolean" },
        online: open(
          {
            positions: listOf(position),
            horizon: TIME_OR_NULL,
            quarantinedChanges: COUNT,
            quarantinedRows: COUNT,
            nonFiniteValues: COUNT,
            invalidValues: COUNT,
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
  });
}
