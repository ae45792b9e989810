/** Turns the body of a request to materialize into the options of the store. */
import { TidemarkError, type MaterializeOptions } from "@tidemark/core";
import { parseDate } from "@tidemark/core/spi";
import type { Serving } from "../http/serving.ts";
import { bodyOf, flagOrNothingIn, textIn, textsIn } from "./request-body.ts";

/**
 * The greatest number of days of one request. More days would outlast a caller, and delay requests
 * for features.
 */
const MAX_DAYS = 400;
const DAY_MS = 86_400_000;

/**
 * Reads the options. The store checks the days.
 *
 * @throws VIEW_UNKNOWN when no view has the name; the message has the nearest name.
 */
export function materializeOptions(
  given: unknown,
  { resolver, limits, zone }: Serving,
): MaterializeOptions {
  const body = bodyOf(given, ["views", "dates", "from", "to", "zone", "incremental", "online"]);
  const views =
    body["views"] === undefined
      ? undefined
      : textsIn(body, "views", limits.features).map((name) => resolver.view(name).name);
  const dates =
    body["dates"] === undefined
      ? undefined
      : textsIn(body, "dates", MAX_DAYS, "days", "TOO_MANY_ROWS");
  const [from, to] = [textIn(body, "from"), textIn(body, "to")];
  const first = parseDate(from ?? "");
  const end = to === undefined ? Math.ceil(Date.now() / DAY_MS) : parseDate(to);
  if (first !== null && end !== null && end - first > MAX_DAYS) {
    throw new TidemarkError(
      "DATES_INVALID",
      `from ${from} on are ${end - first} days, and a request may have ${MAX_DAYS}; ` +
        "ask in several requests, or call tidemark materialize",
    );
  }
  return {
    views,
    dates,
    from,
    to,
    zone: textIn(body, "zone") ?? zone,
    incremental: flagOrNothingIn(body, "incremental"),
    online: flagOrNothingIn(body, "online"),
  };
}
