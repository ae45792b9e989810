/** The paths about the state of the store in the OpenAPI document. */
import type { Definitions } from "@tidemark/core";
import { operation } from "../operation.ts";
import type { Schema } from "../wire-schemas.ts";
import {
  appliesSchema,
  callerSchema,
  checksSchema,
  planSchema,
  readinessSchema,
} from "./operate-schemas.ts";

/** Returns the operations by path. */
export function operatePaths(_definitions: Definitions): Readonly<Record<string, Schema>> {
  const get = (id: string, summary: string, answer: Schema): Schema => ({
    get: operation(id, "operate", summary, answer),
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
  };
}
