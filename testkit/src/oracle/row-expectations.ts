/**
 * Says which rows an expectation of their source quarantines, naively. It shares only types with
 * core.
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import { truth } from "./condition.ts";
import type { OracleFault } from "./planted-faults.ts";

/** Whether a row violates an expectation that quarantines rows: its condition is false. */
export function isQuarantined(
  source: SourceSpec,
  values: readonly Value[],
  fault: OracleFault | null,
): boolean {
  if (fault === "expectations forgotten") return false;
  const plain = values.map((value) => (Object.is(value, -0) ? 0 : value));
  return (source.expectations ?? []).some(({ condition, onViolation }) => {
    if (onViolation !== "quarantine") return false;
    const met = truth(condition, source, plain);
    return fault === "an unknown expectation is violated" ? met !== true : met === false;
  });
}
