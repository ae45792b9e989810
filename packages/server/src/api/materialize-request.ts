/** Reads the body of `POST /v1/materialize` as the options of `store.materialize`. */
import { TidemarkError, type MaterializeOptions } from "@tidemark/core";
import { parseDate } from "@tidemark/core/spi";
import type { Serving } from "../http/serving.ts";
import { bodyOf, flagOrNothingIn, textIn, textsIn } from "./request-body.ts";

/**
 * The greatest number of days of one request. More days would take longer than a caller waits, and
 * delay requests for features.
 */
const MAX_DAYS = 400;
const DAY_MS = 86_400_000;

/**
 * Reads the options. The store checks the days.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws VIEW_UNKNOWN when no view has the name. The message suggests the nearest name.
 * @throws TOO_MANY_ROWS when `dates` lists more than 400 days.
 * @throws DATES_INVALID when `from` and `to` span more than 400 days.
 */
export function materializeOptions(
  given: unknown,
  { resolver, limits, zone }: Serving,
): MaterializeOptions {
  const body = bodyOf(given, ["views", "dates", "from", "to", "zone", "incremental", "online"]);
  const views =
    body["views"] === undefined
      ? undefined
      : textsIn(body, "views", limits.features).map((name) => resolver.anyView(name).name);
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
      `from ${from} to ${to ?? "today"} are ${end - first} days, and a request may have ` +
        `${MAX_DAYS}; send several requests, or call tidemark materialize`,
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
