/** Makes an operation of the OpenAPI document. */
import { metadataOf, type Described } from "@tidemark/core/internal";
import type { Scope } from "../options/server-options.ts";
import type { Schema } from "./wire-schemas.ts";

/** What few operations have. */
interface OperationOptions {
  /** The definition that the operation is about. Its description comes first. */
  readonly definition?: Described | undefined;
  /** Parameters of the path and of the query. */
  readonly parameters?: readonly Schema[] | undefined;
}

/**
 * Makes an operation whose request and answer are JSON. `scope`: the scope that the caller's token
 * must have; "any": a token with any scope; null: no token.
 */
export function operation(
  operationId: string,
  scope: Scope | "any" | null,
  summary: string,
  answer: Schema,
  request?: Schema,
  { definition = {}, parameters }: OperationOptions = {},
): Schema {
  const { description, deprecated } = metadataOf(definition) ?? {};
  const needs =
    scope === null
      ? undefined
      : scope === "any"
        ? "Needs a token with any scope."
        : `Needs the scope \`${scope}\`.`;
  const about = [description, needs].filter((text) => text !== undefined).join("\n\n");
  return {
    operationId,
    summary,
    ...(scope === null ? { security: [] } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(about === "" ? {} : { description: about }),
    ...(deprecated === undefined ? {} : { deprecated: true }),
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: request } } } }),
    responses: {
      200: { description: "Done", content: { "application/json": { schema: answer } } },
      ...Object.fromEntries(
        ["4XX", "5XX"].map((status) => [status, { $ref: "#/components/responses/Error" }]),
      ),
    },
  };
}
