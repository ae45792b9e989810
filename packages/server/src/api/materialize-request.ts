/** From the body of a request to materialize to the options of the store. */
import type { MaterializeOptions } from "@tidemark/core";
import type { Serving } from "../serving.ts";
import { bodyOf, flagOrNothingIn, textIn, textsIn } from "./request-body.ts";

const MOST_DAYS = 10_000;

/** Throws `VIEW_UNKNOWN` with the nearest name; what is wrong with the days the store says. */
export function materializeOptions(given: unknown, { catalogue, limits, zone }: Serving): MaterializeOptions {
  const body = bodyOf(given, ["views", "dates", "from", "to", "zone", "incremental", "online"]);
  const views = body["views"] === undefined ? undefined : textsIn(body, "views", limits.features).map((name) => catalogue.view(name).name);
  const dates = body["dates"] === undefined ? undefined : textsIn(body, "dates", MOST_DAYS, "days", "TOO_MANY_ROWS");
  return {
    views, dates, from: textIn(body, "from"), to: textIn(body, "to"), zone: textIn(body, "zone") ?? zone,
    incremental: flagOrNothingIn(body, "incremental"), online: flagOrNothingIn(body, "online"),
  };
}
