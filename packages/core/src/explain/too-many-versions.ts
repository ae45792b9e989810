/** How many row versions an explanation reads. */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";

/** The most versions of an entity that are in memory at once. */
export const MOST_VERSIONS = 500_000;

/** The error of an entity with more rows than an explanation can hold. */
export function tooManyVersions({ name }: SourceSpec): TidemarkError {
  return new TidemarkError(
    "EXPLAIN_TOO_LARGE",
    `explain: the entity has more than ${MOST_VERSIONS} row versions in source "${name}", more ` +
      "than an explanation lists: explain an entity with fewer rows, or read the rows themselves " +
      "from the versions table",
  );
}
