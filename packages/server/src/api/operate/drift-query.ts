/** Reads the query of `GET /v1/drift`, and describes it in the OpenAPI document. */
import type { Definitions, DriftHistoryOptions } from "@tidemark/core";
import { bodyOf, textIn, timeIn } from "../request-body.ts";
import { TIME, type Schema } from "../wire-schemas.ts";
import { limitIn, MOST_ROWS } from "./row-limit.ts";

/** The parameters of the query. */
const PARAMETERS = ["source", "view", "service", "column", "from", "to", "limit"] as const;

/**
 * Reads the options of `store.driftHistory`. The store checks the names and the times.
 *
 * @throws REQUEST_INVALID when a parameter is unknown, given twice or wrong.
 */
export function driftQuery(query: unknown): DriftHistoryOptions {
  const given = bodyOf({ ...(query as object) }, PARAMETERS, "the query");
  const column = textIn(given, "column");
  return {
    source: textIn(given, "source"),
    view: textIn(given, "view"),
    service: textIn(given, "service"),
    columns: column === undefined ? undefined : [column],
    from: timeIn(given, "from"),
    to: timeIn(given, "to"),
    limit: limitIn(given),
  };
}

/** Describes the parameters. One of a source, a view and a service is given. */
export function driftParameters({ sources, views, services }: Definitions): readonly Schema[] {
  const parameter = (name: string, schema: Schema, description: string): Schema => ({
    name,
    in: "query",
    required: false,
    description,
    schema,
  });
  const nameOf = (names: Iterable<string>): Schema => {
    const list = [...names];
    return { type: "string", ...(list.length === 0 ? {} : { enum: list }) };
  };
  return [
    parameter("source", nameOf(sources.keys()), "A source. Give one of source, view and service"),
    parameter("view", nameOf(views.keys()), "A view"),
    parameter("service", nameOf(services.keys()), "A service in the serving log"),
    parameter("column", { type: "string" }, "A column or a feature. Default: all"),
    parameter("from", TIME, "Only what was measured at this time or later"),
    parameter("to", TIME, "Only what was measured before this time"),
    parameter(
      "limit",
      { type: "integer", minimum: 0, maximum: MOST_ROWS, default: 100 },
      "The most results. One is a column of one comparison",
    ),
  ];
}
