/**
 * Makes the OpenAPI 3.1 document of the API from the definitions. Each service, view and push
 * source has its own schemas.
 */
import type { Definitions } from "@tidemark/core";
import type { ColumnSpec, SelectedFeature, SourceSpec } from "@tidemark/core/spi";
import { explainSchema, explanationSchema } from "./explain-schemas.ts";
import {
  keysNeeded,
  metadataOf,
  viewSelection,
  viewsOver,
  withMissingMembers,
  type Described,
} from "@tidemark/core/internal";
import type { Limits } from "../options/limits.ts";
import { featureText } from "./descriptions.ts";
import { INT64_FORMS, ON_MISSING } from "./features-request.ts";
import {
  CODE,
  definitionsSchema,
  materializedSchema,
  materializeSchema,
  pushedSchema,
  statusSchema,
} from "./fixed-schemas.ts";
import { lineageSchema } from "./lineage-schemas.ts";
import { operatePaths } from "./operate/operate-paths.ts";
import { operation } from "./operation.ts";
import { auditPath } from "./audit-path.ts";
import { trainingSetPaths } from "./training-set-paths.ts";
import {
  TIME,
  answerSchema,
  listOf,
  objectOf,
  requestSchema,
  type Schema,
} from "./wire-schemas.ts";

const STATUS: Schema = {
  type: "string",
  enum: ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE", "NEEDS_BACKFILL", "NOT_READY"],
};
const REFERENCE =
  "^[A-Za-z][A-Za-z0-9_-]*(?::[A-Za-z_][A-Za-z0-9_]*(?: as [A-Za-z_][A-Za-z0-9_]*)?" +
  "(?: by [A-Za-z0-9_,=]+)?)?$";

const ABOUT =
  "Reads features, pushes rows and materializes views. " +
  "An int64 in an answer is a JSON string, because a double does not hold all its digits. " +
  'With `int64: "number"` an int64 is a JSON number. ' +
  'Counts and columns of mode "number" are always JSON numbers. ' +
  "An int64 in a request may be a string or a number. " +
  "A decimal is a string with every digit. " +
  "A timestamp is an ISO 8601 time in UTC with microseconds. " +
  "Bytes are base64.";

/**
 * Makes the OpenAPI document. `limits` are those of the server. It has the paths of training sets
 * if the server answers them.
 */
export function openApiDocument(
  definitions: Definitions,
  limits: Limits,
  { trainingSets = false }: { readonly trainingSets?: boolean } = {},
): Schema {
  const paths: Record<string, Schema> = {
    "/v1/features": {
      post: featuresOperation(
        "features",
        "Features of services, views, and single features",
        genericRequest(limits),
        genericAnswer(),
      ),
    },
  };
  for (const service of definitions.services.values()) {
    const { name, features } = service;
    paths[`/v1/services/${name}/features`] = {
      post: featuresOperation(
        `service_${name}`,
        `Features of service ${name}`,
        requestSchemaFor(keysNeeded(features), limits),
        answerSchemaFor(features),
        service,
      ),
    };
  }
  for (const view of [...definitions.views.values(), ...definitions.derivedViews.values()]) {
    const features = viewSelection(view);
    paths[`/v1/views/${view.name}/features`] = {
      post: featuresOperation(
        `view_${view.name}`,
        `Features of view ${view.name}`,
        requestSchemaFor(keysNeeded(features), limits),
        answerSchemaFor(features),
        view,
      ),
    };
  }
  for (const source of definitions.sources.values()) {
    if (source.push === true)
      paths[`/v1/push/${source.name}`] = {
        post: operation(
          `push_${source.name}`,
          "push",
          `Pushes rows of source ${source.name}: all rows or none`,
          pushedSchema(),
          pushRequestSchema(source, definitions, limits),
          { definition: source },
        ),
      };
  }
  paths["/v1/materialize"] = {
    post: operation(
      "materialize",
      "operate",
      "Computes a row of each view for every entity as of the end of days",
      materializedSchema(),
      materializeSchema([...definitions.views.keys()]),
    ),
  };
  paths["/v1/explain"] = {
    post: operation(
      "explain",
      "operate",
      "Explains the answer to one feature: the rows inside and outside of its window",
      explanationSchema(),
      explainSchema(),
    ),
  };
  if (trainingSets) Object.assign(paths, trainingSetPaths(limits));
  paths["/v1/definitions"] = {
    get: operation(
      "definitions",
      "read",
      "Services, views, entities and sources, with their keys and value types",
      definitionsSchema(),
    ),
  };
  paths["/v1/lineage"] = {
    get: operation(
      "lineage",
      "read",
      "Where features come from: tables, sources, views and services as a graph",
      lineageSchema(),
    ),
  };
  paths["/v1/status"] = {
    get: operation(
      "status",
      "operate",
      "Positions, counts and backpressure of each source",
      statusSchema(),
    ),
  };
  Object.assign(paths, operatePaths(definitions));
  paths["/v1/audits"] = auditPath();
  paths["/openapi.json"] = { get: operation("openapi", null, "This document", { type: "object" }) };
  return {
    openapi: "3.1.0",
    info: { title: "Tidemark", version: "1", description: ABOUT },
    // a server without tokens needs no authentication
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: {
        Error: objectOf(
          {
            code: CODE,
            message: { type: "string" },
            reference: {
              type: "string",
              description: "Of a failure of the server: the id of the request in its log",
            },
          },
          ["reference"],
        ),
      },
      responses: {
        Error: {
          description: "The error: a stable code, and a message with the next step",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    },
  };
}

function featuresOperation(
  id: string,
  summary: string,
  request: Schema,
  answer: Schema,
  definition?: Described,
): Schema {
  return operation(id, "read", summary, answer, request, { definition });
}

function requestWith(
  more: { readonly [name: string]: Schema },
  entity: Schema,
  limits: Limits,
): Schema {
  return objectOf(
    {
      ...more,
      entities: listOf(entity, {
        maxItems: limits.entities,
        description:
          `At most ${limits.values} values: entities × features (TOO_MANY_VALUES). ` +
          `A text of a key has at most ${limits.keyBytes} bytes (KEY_TOO_LARGE), ` +
          `and the answer about ${limits.answerBytes} (ANSWER_TOO_LARGE)`,
      }),
      asOf: {
        ...TIME,
        description: "The end of the windows, over all changes applied so far. Default: now",
      },
      metadata: {
        type: "boolean",
        default: false,
        description: "true gives each feature as { value, status, eventTime }",
      },
      int64: { type: "string", enum: INT64_FORMS, default: "string" },
      onMissing: {
        type: "string",
        enum: ON_MISSING,
        default: "error",
        description:
          "What features get that the online store cannot answer yet. error: the request fails " +
          "with NEEDS_BACKFILL or NOT_READY. null: they are null, with that status",
      },
    },
    ["asOf", "metadata", "int64", "onMissing"],
  );
}

function genericRequest(limits: Limits): Schema {
  const name = {
    type: "string",
    pattern: REFERENCE,
    description:
      "A service, a view, view:feature, or view:feature as other_name; " +
      "with by key=other_key a row has the key under another name",
  };
  const features = { anyOf: [name, listOf(name, { minItems: 1, maxItems: limits.features })] };
  return requestWith(
    { features },
    { type: "object", description: "The entity keys by name" },
    limits,
  );
}

function requestSchemaFor(keys: readonly ColumnSpec[], limits: Limits): Schema {
  return requestWith(
    {},
    objectOf(Object.fromEntries(keys.map((key) => [key.name, requestSchema(key)]))),
    limits,
  );
}

function answerSchemaFor(features: readonly SelectedFeature[]): Schema {
  const rowOf = (value: (schema: Schema) => Schema): Schema =>
    objectOf(
      Object.fromEntries(features.map((selected) => [selected.as, value(featureSchema(selected))])),
    );
  return objectOf({
    asOf: { type: "string", format: "date-time" },
    rows: { anyOf: [listOf(rowOf((schema) => schema)), listOf(rowOf(withMetadata))] },
  });
}

/** The description of the definition comes before the text of what is computed. */
function featureSchema(selected: SelectedFeature): Schema {
  const { description, deprecated, unit } = metadataOf(selected.feature) ?? {};
  const isOld = (deprecated ?? metadataOf(selected.view)?.deprecated) !== undefined;
  const computed = featureText(selected) + (unit === undefined ? "" : `, in ${unit}`);
  const text = description === undefined ? computed : `${description}\n\n${computed}`;
  // with `onMissing: "null"` any value may be null
  const schema = answerSchema(
    { ...withMissingMembers(selected.feature.result), nullable: true },
    text,
  );
  return isOld ? { ...schema, deprecated: true } : schema;
}

function genericAnswer(): Schema {
  return objectOf({
    asOf: { type: "string", format: "date-time" },
    rows: listOf({ type: "object" }),
  });
}

function withMetadata(value: Schema): Schema {
  return objectOf({
    value,
    status: STATUS,
    eventTime: { type: ["string", "null"], format: "date-time" },
  });
}

function pushRequestSchema(source: SourceSpec, definitions: Definitions, limits: Limits): Schema {
  // without these columns a row would be in no window
  const placed = new Set(
    viewsOver(source, definitions.views.values()).flatMap((view) => view.keyColumns),
  );
  if (source.eventTime.kind === "column") placed.add(source.eventTime.column);
  const columns = source.columns.map((column) =>
    placed.has(column.name) ? { ...column, nullable: false } : column,
  );
  const schemas = Object.fromEntries(columns.map((column) => [column.name, requestSchema(column)]));
  const body = objectOf(
    {
      rows: listOf(
        objectOf(
          schemas,
          columns.filter(({ nullable }) => nullable).map(({ name }) => name),
        ),
        { maxItems: limits.rows },
      ),
      deletes: listOf(
        objectOf(Object.fromEntries(source.primaryKey.map((name) => [name, schemas[name]!]))),
        {
          maxItems: limits.rows,
          description: "The primary keys of deleted rows. Deletes come after the rows",
        },
      ),
      id: {
        type: "string",
        minLength: 1,
        maxLength: 200,
        description:
          "Identifies the push. A second push with the same id changes nothing, " +
          "and gets the result of the first push",
      },
    },
    ["rows", "deletes", "id"],
  );
  return { ...body, anyOf: [{ required: ["rows"] }, { required: ["deletes"] }] };
}
