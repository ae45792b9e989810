/** Ends a run at a row that its source does not let pass. */
import { TidemarkError } from "../errors.ts";
import { expressionText } from "../expr/expression-text.ts";
import { violatedExpectations } from "../rows/row-expectations.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";

/**
 * Refuses a change whose row violates an expectation that stops the run.
 *
 * @throws EXPECTATION_FAILED when it does.
 */
export function refuseViolation(change: Change, source: SourceSpec): void {
  if (source.expectations === undefined) return;
  const { kind, values, undecodable, unavailable, topic, partition, offset } = change;
  if (kind !== "upsert" || values === null || undecodable !== null) return;
  const violated = stoppingViolation(source, values, unavailable);
  if (violated === null) return;
  throw new TidemarkError(
    "EXPECTATION_FAILED",
    `source "${source.name}": ${topic}, partition ${partition}, offset ${offset}: the row ` +
      `violates ${violated}. Nothing of this batch was applied. Correct what writes such rows. ` +
      'To let this row pass, declare onViolation: "quarantine" or "flag", and run again: the run ' +
      "goes on from here",
  );
}

/** The first violated expectation that stops a run, as name and condition; null: there is none. */
export function stoppingViolation(
  source: SourceSpec,
  values: readonly Value[],
  unknown: readonly number[],
): string | null {
  const found = violatedExpectations(source, values, unknown).find(
    ({ onViolation }) => onViolation === "stop",
  );
  return found === undefined
    ? null
    : `the expectation "${found.name}" (${expressionText(found.condition)})`;
}
