/** Records a training set in the audit table of its store. */
import { isOfOtherHistory, outcomeOf } from "../audit/outcome.ts";
import type { AuditCaller } from "../audit/audit-types.ts";
import type { SelectedFeature } from "../specs.ts";
import type { Store } from "../store/store-types.ts";

/** What the row of a training set says. */
export interface AuditedTrainingSet {
  readonly features: readonly SelectedFeature[];
  /** Who asked. Default: who opened the store. */
  readonly caller?: AuditCaller | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Does the work, and records how it ended. A store without an audit records nothing. */
export async function auditedTrainingSet<Result extends { readonly rows: number | null }>(
  { audit }: Pick<Store, "audit">,
  { features, caller, signal }: AuditedTrainingSet,
  work: () => Promise<Result>,
): Promise<Result> {
  if (audit === null) return work();
  const [at, began] = [Date.now() * 1000, performance.now()];
  const asked = () => ({
    action: "training-set" as const,
    ...caller,
    views: [...new Set(features.map(({ view }) => view.name))],
    at,
    seconds: (performance.now() - began) / 1000,
  });
  try {
    const result = await work();
    await audit.record({ ...asked(), outcome: "done", counts: { rows: result.rows ?? 0 } });
    return result;
  } catch (error) {
    if (!isOfOtherHistory(error)) await audit.record({ ...asked(), ...outcomeOf(error, signal) });
    throw error;
  }
}
