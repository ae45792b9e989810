/** Reads what the command line says of features and of entity rows. */
import type { Definitions } from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import { isTimeZone, TIME_UNITS, type EntityFileOptions } from "@tidemark/core/internal";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";
import { choiceOf, usage, type ParsedOptions } from "../terminal/options.ts";

/** The names in `--features`. */
export function featureNames(given: ParsedOptions): readonly string[] {
  return given.texts("features").flatMap((list) =>
    list
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  );
}

/**
 * The features of `--service` or `--features`, once the definitions are known.
 *
 * @throws USAGE when both or neither are given.
 */
export function featuresAsked(
  given: ParsedOptions,
): (definitions: Definitions, file: string) => readonly SelectedFeature[] {
  const service = given.text("service");
  const named = featureNames(given);
  if ((service === undefined) === (named.length === 0))
    throw usage("name the features: --service NAME, or --features view:feature,…");
  return (definitions, file) =>
    service === undefined
      ? featuresNamed(named, definitions, file)
      : featuresOfService(service, definitions, file);
}

/**
 * How times of entity rows are read: `--zone` and `--time-unit`.
 *
 * @throws USAGE when the zone or the unit is unknown.
 */
export function timeReadingOf(given: ParsedOptions): Pick<EntityFileOptions, "zone" | "timeUnit"> {
  const zone = given.text("zone") ?? null;
  if (zone !== null && !isTimeZone(zone))
    throw usage(
      `--zone ${zone} is not known here; give an IANA name such as Asia/Ho_Chi_Minh, or UTC`,
    );
  const timeUnit = given.has("time-unit") ? choiceOf(given, "time-unit", TIME_UNITS) : null;
  return { zone, timeUnit };
}
