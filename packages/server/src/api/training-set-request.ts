/** Reads the query of `POST /v1/training-set`. Its words are those of `tidemark training-set`. */
import { TidemarkError, type BeforeHistory, type Knowledge, type TimeUnit } from "@tidemark/core";
import { isTimeZone, TIME_UNITS, timeLimitMillis } from "@tidemark/core/internal";
import type { Limits } from "../options/limits.ts";
import type { TrainingSetRequest } from "../training-sets/job-types.ts";
import { bodyOf, choiceIn, requestInvalid, textIn, type Body } from "./request-body.ts";
import type { RequestedFeatures } from "./requested-features.ts";

/** The values of the parameter `knowledge`. */
export const KNOWLEDGE: readonly [Knowledge, Knowledge] = ["as-corrected", "as-known"];
/** The values of the parameter `beforeHistory`. */
export const BEFORE_HISTORY: readonly [BeforeHistory, BeforeHistory] = ["empty", "error"];

const PARAMETERS = ["features", "knowledge", "beforeHistory", "zone", "timeUnit", "wait"];

/** What a query asks. */
export interface TrainingSetQuery {
  readonly request: TrainingSetRequest;
  /** How long the request waits for the result, in ms. */
  readonly wait: number;
}

/**
 * Reads the query.
 *
 * @throws REQUEST_INVALID when a parameter is wrong or unknown.
 * @throws TOO_MANY_FEATURES when it names more features than `limits` allows.
 * @throws TIME_ZONE_UNKNOWN when there is no such zone.
 */
export function trainingSetQuery(
  query: unknown,
  list: (names: readonly string[]) => RequestedFeatures,
  limits: Limits,
): TrainingSetQuery {
  const given = bodyOf({ ...(query as object) }, PARAMETERS, "the query");
  const names = featureNamesIn(given);
  if (names.length > limits.features)
    throw new TidemarkError(
      "TOO_MANY_FEATURES",
      `features has ${names.length} names, and a request may have ${limits.features}; ` +
        "send several requests",
    );
  const zone = textIn(given, "zone") ?? null;
  if (zone !== null && !isTimeZone(zone))
    throw new TidemarkError(
      "TIME_ZONE_UNKNOWN",
      `zone is ${JSON.stringify(zone.slice(0, 100))}, which is not known here; give an IANA name ` +
        "such as Asia/Ho_Chi_Minh, or UTC",
    );
  return {
    request: {
      features: list(names).selected,
      knowledge: choiceIn(given, "knowledge", KNOWLEDGE),
      beforeHistory: choiceIn(given, "beforeHistory", BEFORE_HISTORY),
      zone,
      timeUnit:
        given["timeUnit"] === undefined ? null : choiceIn<TimeUnit>(given, "timeUnit", TIME_UNITS),
    },
    wait: waitIn(given),
  };
}

/** Reads names that are separated by commas, or given several times. */
function featureNamesIn(query: Body): readonly string[] {
  const given = query["features"];
  const texts = (Array.isArray(given) ? given : given === undefined ? [] : [given]) as string[];
  const names: string[] = [];
  for (const text of texts.flatMap((one) => one.split(","))) {
    // the keys of a role are separated by commas too: "view:feature by key=other,bank=other_bank"
    const name = text.trim();
    if (/^\w+=\w+$/.test(name) && names.at(-1)?.includes(" by ") === true)
      names.push(`${names.pop()!},${name}`);
    else if (name !== "") names.push(name);
  }
  if (names.length === 0)
    throw requestInvalid(
      "features is missing; give services, views or view:feature, as in " +
        "?features=view:feature,other_view",
    );
  return names;
}

function waitIn(query: Body): number {
  const given = textIn(query, "wait");
  if (given === undefined) return 0;
  try {
    return timeLimitMillis("wait", given as never);
  } catch (cause) {
    throw new TidemarkError(
      "REQUEST_INVALID",
      `wait is ${JSON.stringify(given.slice(0, 100))}; give a duration such as 60s or 10m`,
      { cause },
    );
  }
}
