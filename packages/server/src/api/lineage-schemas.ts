/** Holds the JSON Schema of the answer of `GET /v1/lineage`. */
import { METADATA } from "./fixed-schemas.ts";
import { NODE_KINDS } from "./lineage-json.ts";
import { listOf, objectOf, type Schema } from "./wire-schemas.ts";

const TEXT: Schema = { type: "string" };

/** The schema of the answer. */
export function lineageSchema(): Schema {
  return objectOf({
    nodes: listOf(
      objectOf(
        {
          id: { ...TEXT, description: "The kind and the name" },
          kind: { type: "string", enum: [...NODE_KINDS] },
          name: TEXT,
          exported: { ...TEXT, description: "The name under which the definitions export it" },
          metadata: METADATA,
          condition: { ...TEXT, description: "Of a view: only rows that meet it count" },
        },
        ["exported", "metadata", "condition"],
      ),
    ),
    edges: listOf(objectOf({ from: TEXT, to: TEXT })),
    features: listOf(
      objectOf(
        {
          feature: { ...TEXT, description: "view:feature" },
          view: { ...TEXT, description: "The id of its view" },
          expression: { ...TEXT, description: "What is computed, in words" },
          code: { type: ["string", "null"], description: "Its definition in TypeScript" },
          windows: listOf(TEXT),
          reads: { ...listOf(TEXT), description: "The features that a derived feature reads" },
          services: {
            ...listOf(TEXT),
            description: "The services that have it, or a feature that reads it",
          },
          metadata: METADATA,
        },
        ["metadata"],
      ),
    ),
  });
}
