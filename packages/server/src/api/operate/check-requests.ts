/**
 * Reads the bodies of `POST /v1/profile`, `/v1/drift`, `/v1/skew` and `/v1/quality` as options of
 * the store. The store checks the names, the days and the times.
 */
import type {
  DriftOptions,
  DriftReference,
  DriftThresholds,
  ProfiledRows,
  ProfileOptions,
  ProfileReference,
  QualityOptions,
  SkewOptions,
} from "@tidemark/core";
import type { Limits } from "../../options/limits.ts";
import { hiddenRows } from "../../training-sets/result-rows.ts";
import {
  bodyOf,
  flagIn,
  flagOrNothingIn,
  requestInvalid,
  textIn,
  textsIn,
  timeIn,
  type Body,
} from "../request-body.ts";

/** What counted values of one request may take, bytes. */
const MEMORY_LIMIT = 256 * 1024 * 1024;
/** The greatest value of `examples` of a check of skew. */
export const MOST_EXAMPLES = 100;

const PROFILED = [
  "source",
  "view",
  "service",
  "trainingSet",
  "from",
  "to",
  "columns",
  "zone",
] as const;

/** What reading a request needs. */
interface Reading {
  readonly limits: Limits;
  /** Opens the rows of a training set of the caller. */
  readonly rowsOf: (id: string) => Promise<ProfiledRows>;
}

/**
 * Reads the options of `store.profile`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 */
export async function profileOptions(
  given: unknown,
  { limits, rowsOf, isMasked }: Reading & { readonly isMasked: boolean },
): Promise<ProfileOptions> {
  const options = await profiledIn(bodyOf(given, PROFILED), { limits, rowsOf });
  const { rows } = options;
  return rows !== undefined && isMasked ? { ...options, rows: hiddenRows(rows) } : options;
}

/**
 * Reads the options of `store.drift`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 */
export async function driftOptions(given: unknown, reading: Reading): Promise<DriftOptions> {
  const body = bodyOf(given, [...PROFILED, "reference", "thresholds", "profiles", "record"]);
  const thresholds = thresholdsIn(body);
  const [profiles, record] = [flagIn(body, "profiles"), flagOrNothingIn(body, "record")];
  const reference = await referenceIn(body, reading);
  return { ...(await profiledIn(body, reading)), reference, thresholds, profiles, record };
}

/** Reads what data is compared with. The store checks that it is one thing. */
async function referenceIn(body: Body, { rowsOf }: Reading): Promise<DriftReference> {
  const members = ["from", "to", "trainingSet", "profile"];
  const given = bodyOf(body["reference"], members, "reference");
  const trainingSet = textIn(given, "trainingSet");
  const profile = given["profile"];
  if (profile !== undefined) bodyOf(profile, ["format", "name", "columns"], "reference.profile");
  return {
    from: textIn(given, "from"),
    to: textIn(given, "to"),
    rows: trainingSet === undefined ? undefined : await rowsOf(trainingSet),
    profile: profile as ProfileReference | undefined,
  };
}

/**
 * Reads the options of `store.skew`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 */
export function skewOptions(given: unknown, limits: Limits): SkewOptions {
  const body = bodyOf(given, ["from", "to", "features", "services", "examples"]);
  return {
    from: timeIn(body, "from"),
    to: timeIn(body, "to"),
    features: namesIn(body, "features", limits),
    services: namesIn(body, "services", limits),
    examples: countIn(body, "examples", MOST_EXAMPLES),
  };
}

/**
 * Reads the options of `store.quality`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 */
export function qualityOptions(given: unknown, limits: Limits): QualityOptions {
  const body = bodyOf(given, ["names", "asOf"]);
  return { names: namesIn(body, "names", limits), asOf: timeIn(body, "asOf") };
}

async function profiledIn(
  body: Body,
  { limits, rowsOf }: Reading,
): Promise<Omit<ProfileOptions, "onProgress">> {
  const trainingSet = textIn(body, "trainingSet");
  return {
    rows: trainingSet === undefined ? undefined : await rowsOf(trainingSet),
    source: textIn(body, "source"),
    view: textIn(body, "view"),
    service: textIn(body, "service"),
    from: textIn(body, "from"),
    to: textIn(body, "to"),
    columns: namesIn(body, "columns", limits),
    zone: textIn(body, "zone"),
    memoryLimit: MEMORY_LIMIT,
  };
}

function namesIn(body: Body, name: string, limits: Limits): readonly string[] | undefined {
  return body[name] === undefined ? undefined : textsIn(body, name, limits.features);
}

/** The store checks the names of the measures. */
function thresholdsIn(body: Body): DriftThresholds | undefined {
  const given = body["thresholds"];
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw requestInvalid("thresholds: give an object of measures and numbers, as in { psi: 0.2 }");
  return given as DriftThresholds;
}

/** Reads a whole number from 0 to `most`; undefined if the body does not have the member. */
function countIn(body: Body, name: string, most: number): number | undefined {
  const given = body[name];
  if (given === undefined) return undefined;
  if (Number.isInteger(given) && Number(given) >= 0 && Number(given) <= most) return Number(given);
  throw requestInvalid(`${name}: give a whole number from 0 to ${most}`);
}
