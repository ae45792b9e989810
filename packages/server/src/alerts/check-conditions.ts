/** Says which checks of data found something when they were made last. */
import type { CheckResults } from "@tidemark/core";
import { page, type Condition } from "./condition.ts";

/** The expectations that do not hold, and the columns that have drifted. */
export function checkConditions(checks: CheckResults): readonly Condition[] {
  const failing = checks.expectations
    .filter(({ holds }) => !holds)
    .map(({ quality, expectation, on, severity, failing: count }) => ({
      ...page(
        "expectation",
        null,
        severity === "error" ? "critical" : "warning",
        "operating#data-quality",
      ),
      of: `${quality}.${expectation}`,
      summary: `the expectation ${quality}.${expectation} of ${on} does not hold`,
      nextStep: `run tidemark quality --name ${quality}: it lists rows that are against it`,
      value: count,
      after: 0,
    }));
  const drifted = checks.drift
    .filter(({ isDrifted }) => isDrifted)
    .map(({ of, column }) => ({
      ...page("drift", null, "warning", "monitoring#results-of-checks"),
      of: `${of}.${column}`,
      summary: `${column} of ${of} has drifted from its reference`,
      nextStep: "look at its values with tidemark profile, or take a newer reference",
      value: null,
      after: 0,
    }));
  return [...failing, ...drifted];
}
