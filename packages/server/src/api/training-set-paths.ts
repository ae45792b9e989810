/** The paths of training sets in the OpenAPI document. */
import { TIME_UNITS } from "@tidemark/core/internal";
import type { Limits } from "../options/limits.ts";
import { CODE } from "./fixed-schemas.ts";
import { BEFORE_HISTORY, KNOWLEDGE } from "./training-set-request.ts";
import { listOf, objectOf, type Schema } from "./wire-schemas.ts";

/** The type of a result, and of entity rows. */
export const PARQUET_TYPE = "application/vnd.apache.parquet";
const JSON_LINES_TYPE = "application/x-ndjson";

const TEXT: Schema = { type: "string" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const TIME_OR_NULL: Schema = { type: ["string", "null"], format: "date-time" };
const FILE: Schema = { type: "string", format: "binary" };
const ERRORS: Schema = Object.fromEntries(
  ["4XX", "5XX"].map((status) => [status, { $ref: "#/components/responses/Error" }]),
);

/** The schema of a training set. */
const JOB: Schema = objectOf({
  id: { type: "string", pattern: "^[0-9a-f]{32}$" },
  state: { type: "string", enum: ["running", "done", "failed"] },
  rows: { type: ["integer", "null"], minimum: 0, description: "The number of entity rows" },
  done: { ...COUNT, description: "The number of rows that are computed" },
  features: listOf(TEXT),
  knowledge: { type: "string", enum: KNOWLEDGE },
  created: { type: "string", format: "date-time" },
  ended: TIME_OR_NULL,
  expires: { ...TIME_OR_NULL, description: "When the training set is removed" },
  warnings: {
    ...listOf(TEXT),
    description: "What was left out of the entity rows, such as a column of an unknown type",
  },
  coverage: {
    type: ["object", "null"],
    description: "By source, the time from which its history is complete. null until it is done",
    additionalProperties: objectOf({ knownSince: TIME_OR_NULL }),
  },
  error: {
    anyOf: [
      objectOf({ code: CODE, message: TEXT, reference: TEXT }, ["reference"]),
      { type: "null" },
    ],
  },
  url: { ...TEXT, description: "The path of the training set" },
  result: { type: ["string", "null"], description: "The path of the result, when it is done" },
});

/** Returns the operations by path. */
export function trainingSetPaths(limits: Limits): Readonly<Record<string, Schema>> {
  const parameter = (name: string, schema: Schema, description: string, required = false) => ({
    name,
    in: "query",
    required,
    description,
    schema,
  });
  const id = {
    name: "id",
    in: "path",
    required: true,
    schema: { type: "string", pattern: "^[0-9a-f]{32}$" },
  };
  const json = (description: string): Schema => ({
    description,
    content: { "application/json": { schema: JOB } },
  });
  const parquet: Schema = {
    description: "The entity rows with the features, in the order sent",
    content: { [PARQUET_TYPE]: { schema: FILE } },
  };
  const common = { description: "Needs the scope `read`." };
  return {
    "/v1/training-set": {
      get: {
        operationId: "training_sets",
        summary: "The training sets of the caller that are kept, newest first",
        ...common,
        responses: {
          200: {
            description: "The training sets",
            content: { "application/json": { schema: objectOf({ trainingSets: listOf(JOB) }) } },
          },
          ...ERRORS,
        },
      },
      post: {
        operationId: "training_set",
        summary: "Computes the features of entity rows as of their times",
        description:
          "The body has the entity keys, event_timestamp and any other columns. " +
          "The answer is 202 and the training set, or 200 and the result if it is done " +
          "while the request waits. " +
          `At most ${limits.trainingSetRows} rows and ${limits.trainingSetBytes} bytes.\n\n` +
          common.description,
        parameters: [
          parameter(
            "features",
            { type: "string", minLength: 1 },
            "Services, views, view:feature, and view:feature as other_name, separated by commas",
            true,
          ),
          parameter(
            "knowledge",
            { type: "string", enum: KNOWLEDGE, default: KNOWLEDGE[0] },
            "as-corrected: with all corrections. as-known: what the history had at each time",
          ),
          parameter(
            "beforeHistory",
            { type: "string", enum: BEFORE_HISTORY, default: BEFORE_HISTORY[0] },
            "What a row before a source's first commit gets: the answer without events, or error",
          ),
          parameter("zone", TEXT, "The zone of times without a zone, an IANA name or UTC"),
          parameter(
            "timeUnit",
            { type: "string", enum: TIME_UNITS },
            "The unit of times that are whole numbers",
          ),
          parameter(
            "wait",
            { type: "string", pattern: "^[0-9]{1,4}(?:ms|s|m)$" },
            "How long the request waits for the result, such as 60s. Default: not at all",
          ),
        ],
        requestBody: {
          required: true,
          content: { [PARQUET_TYPE]: { schema: FILE }, [JSON_LINES_TYPE]: { schema: FILE } },
        },
        responses: { 200: parquet, 202: json("The training set, which is computed"), ...ERRORS },
      },
    },
    "/v1/training-set/{id}": {
      get: {
        operationId: "training_set_state",
        summary: "How far a training set is computed",
        ...common,
        parameters: [id],
        responses: { 200: json("The training set"), ...ERRORS },
      },
      delete: {
        operationId: "delete_training_set",
        summary: "Aborts a training set, or removes its result",
        ...common,
        parameters: [id],
        responses: { 204: { description: "There is no such training set any more" }, ...ERRORS },
      },
    },
    "/v1/training-set/{id}/result": {
      get: {
        operationId: "training_set_result",
        summary: "The result of a training set that is done",
        ...common,
        parameters: [id],
        responses: { 200: parquet, ...ERRORS },
      },
    },
  };
}
