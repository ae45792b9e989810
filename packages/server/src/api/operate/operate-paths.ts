/** The paths about the state of the store in the OpenAPI document. */
import type { Definitions } from "@tidemark/core";
import { operation } from "../operation.ts";
import type { Schema } from "../wire-schemas.ts";
import {
  changesSchema,
  profileRequest,
  profileSchema,
  qualityRequest,
  qualitySchema,
  quarantineSchema,
  skewRequest,
  skewSchema,
} from "./check-schemas.ts";
import { driftHistorySchema, driftRequest, driftSchema } from "./drift-schemas.ts";
import {
  appliesSchema,
  callerSchema,
  checksSchema,
  connectorsSchema,
  planSchema,
  readinessSchema,
  storageSchema,
} from "./operate-schemas.ts";
import { driftParameters } from "./drift-query.ts";
import { timelineBody, timelineSchema } from "./timeline-schemas.ts";
import { MOST_ROWS } from "./row-limit.ts";

/** Returns the operations by path. */
export function operatePaths(definitions: Definitions): Readonly<Record<string, Schema>> {
  const get = (id: string, summary: string, answer: Schema): Schema => ({
    get: operation(id, "operate", summary, answer),
  });
  const post = (id: string, summary: string, answer: Schema, request: Schema): Schema => ({
    post: operation(id, "operate", summary, answer, request),
  });
  return {
    "/v1/me": {
      get: operation("me", "any", "The caller's name, and what its token allows", callerSchema()),
    },
    "/v1/readiness": get(
      "readiness",
      "For each source, whether its features are answered, and why not",
      readinessSchema(),
    ),
    "/v1/plan": get("plan", "What an apply of the server's definitions would change", planSchema()),
    "/v1/applies": get(
      "applies",
      "Who applied which definitions, when, and from where; newest first",
      appliesSchema(),
    ),
    "/v1/checks": get("checks", "The last results of drift and of expectations", checksSchema()),
    "/v1/connectors": get(
      "connectors",
      "The states of the connectors that bring the changes, and of their tasks",
      connectorsSchema(),
    ),
    "/v1/tables": get(
      "tables",
      "What the stores hold: tables, entities and advice",
      storageSchema(),
    ),
    "/v1/quarantine/{source}": {
      get: operation(
        "quarantine",
        "operate",
        "The rows of a source that are in no window, and why",
        quarantineSchema(),
        undefined,
        { parameters: rowsParameters(definitions) },
      ),
    },
    "/v1/changes/{source}": {
      get: operation(
        "changes",
        "operate",
        "The newest changes of a source, as their messages said them and as they were decoded",
        changesSchema(),
        undefined,
        { parameters: rowsParameters(definitions) },
      ),
    },
    "/v1/profile": post(
      "profile",
      "Statistics of a source, a materialized view, or a service in the serving log",
      profileSchema(),
      profileRequest(definitions),
    ),
    "/v1/drift": {
      ...post(
        "drift",
        "How far data is from other days of the same data",
        driftSchema(),
        driftRequest(definitions),
      ),
      get: operation(
        "drift_history",
        "operate",
        "How far columns were from their references when it was measured, newest first",
        driftHistorySchema(),
        undefined,
        { parameters: driftParameters(definitions) },
      ),
    },
    "/v1/skew": post(
      "skew",
      "Computes the answers of the serving log again, and counts the bits that differ",
      skewSchema(),
      skewRequest(definitions),
    ),
    "/v1/timeline": post(
      "timeline",
      "How the features of one entity move while the time of the request moves",
      timelineSchema(),
      timelineBody(),
    ),
    "/v1/quality": post(
      "quality",
      "Checks the expectations of the definitions over the history",
      qualitySchema(),
      qualityRequest(definitions),
    ),
  };
}

function rowsParameters({ sources }: Definitions): readonly Schema[] {
  const names = [...sources.keys()];
  return [
    {
      name: "source",
      in: "path",
      required: true,
      schema: { type: "string", ...(names.length === 0 ? {} : { enum: names }) },
    },
    {
      name: "limit",
      in: "query",
      required: false,
      description: "The most rows of the answer. Default: 100",
      schema: { type: "integer", minimum: 0, maximum: MOST_ROWS },
    },
  ];
}
