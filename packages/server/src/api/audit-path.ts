/** The path of the audit table in the OpenAPI document. */
import { AUDIT_ACTIONS, AUDIT_COUNTS, AUDIT_OUTCOMES } from "@tidemark/core/internal";
import { MOST_AUDITS } from "./audit-routes.ts";
import { CODE } from "./fixed-schemas.ts";
import { operation } from "./operation.ts";
import { listOf, objectOf, TIME, type Schema } from "./wire-schemas.ts";

const TEXT: Schema = { type: "string" };
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };
const COUNT: Schema = { type: "integer", minimum: 0 };

const AUDIT: Schema = objectOf({
  id: { ...TEXT, description: "Two rows with one id are one action" },
  at: { type: "string", format: "date-time", description: "When the action began" },
  action: { type: "string", enum: AUDIT_ACTIONS },
  outcome: { type: "string", enum: AUDIT_OUTCOMES },
  code: { anyOf: [CODE, { type: "null" }], description: "The code of the error" },
  by: { ...TEXT, description: "The name of the caller's token, or user@machine" },
  from: { ...TEXT_OR_NULL, description: "An address, a commit, or the name of a job" },
  sources: listOf(TEXT),
  views: listOf(TEXT),
  entity: { ...TEXT_OR_NULL, description: "The name of an entity of the definitions" },
  counts: objectOf(Object.fromEntries(AUDIT_COUNTS.map((name) => [name, COUNT])), AUDIT_COUNTS),
  version: { type: ["integer", "null"], description: "Of the registry after an apply" },
  receipt: { ...TEXT_OR_NULL, description: "The id of the receipt of an erasure" },
  seconds: { type: "number", minimum: 0, description: "How long it took; of pushes the sum" },
});

/** Returns the operations of the path. */
export function auditPath(): Schema {
  const parameter = (name: string, schema: Schema, description: string) => ({
    name,
    in: "query",
    required: false,
    description,
    schema,
  });
  return {
    get: operation(
      "audits",
      "operate",
      "Who applied, pushed, erased, backfilled and materialized, newest first",
      objectOf({ audits: listOf(AUDIT) }),
      undefined,
      {
        parameters: [
          parameter("from", TIME, "Only actions that began at this time or later"),
          parameter("to", TIME, "Only actions that began before this time"),
          parameter("action", { type: "string", enum: AUDIT_ACTIONS }, "Only this action"),
          parameter(
            "limit",
            { type: "integer", minimum: 0, maximum: MOST_AUDITS, default: 100 },
            "The most rows",
          ),
        ],
      },
    ),
  };
}
