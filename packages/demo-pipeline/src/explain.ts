/**
 * Explains why a value as corrected differs from the value as known: rows in its window changed
 * after the label's time.
 */
import { bankCommits, DAY, type BankSettings, type Transaction } from "./bank.ts";
import type { Difference } from "./compare.ts";
import type { Label } from "./labels.ts";
import { decimals, time } from "./print.ts";

interface LateChange {
  readonly at: number;
  readonly before: Transaction | null;
  readonly after: Transaction | null;
}

/**
 * Describes the first difference in a total that a single change made; null if there is none.
 * `left` is as known, `right` as corrected.
 */
export function explainDifference(
  settings: BankSettings,
  labels: readonly Label[],
  differences: readonly Difference[],
): string | null {
  const changes = changesByUser(settings);
  for (const { row, feature, left, right } of differences) {
    if (feature !== "total_amount_l1w") continue;
    const { user_id, event_timestamp } = labels[row]!;
    const t = event_timestamp.getTime();
    const causes = (changes.get(user_id) ?? []).filter(
      ({ at, before, after }) =>
        at >= t && [before, after].some((one) => one !== null && inWindow(one, t)),
    );
    const [cause] = causes;
    if (causes.length !== 1 || cause === undefined) continue;
    return (
      `${user_id} at ${time(t)}: ${feature} was ${decimals(left as number)} as known then and ` +
      `is ${decimals(right as number)} as corrected, ` +
      `because ${changeText(cause)} on ${time(cause.at)}.`
    );
  }
  return null;
}

function changesByUser(settings: BankSettings): Map<string, LateChange[]> {
  const found = new Map<string, LateChange[]>();
  for (const { at, snapshot, changes } of bankCommits(settings)) {
    if (snapshot) continue;
    for (const change of changes) {
      if (change.table !== "transaction_data") continue;
      const users = new Set([change.before?.["User ID"], change.after?.["User ID"]]);
      for (const user of users) {
        if (user == null) continue;
        const list = found.get(user) ?? [];
        if (list.length === 0) found.set(user, list);
        list.push({ at, before: change.before, after: change.after });
      }
    }
  }
  return found;
}

/** Tests membership in the window (law 1: `t − 7d ≤ event time < t`). */
function inWindow(row: Transaction, t: number): boolean {
  const time = Date.parse(`${row.Time.replace(" ", "T")}Z`);
  return t - 7 * DAY <= time && time < t;
}

function changeText({ before, after }: LateChange): string {
  if (after === null) return `${transactionText(before!)} was deleted`;
  if (before === null) return `${transactionText(after)} arrived late`;
  if (before.Amount !== after.Amount)
    return `the amount of ${transactionText(before)} was corrected to ${decimals(after.Amount)}`;
  return `${transactionText(before)} was changed`;
}

const transactionText = (row: Transaction): string =>
  `${row["Transaction ID"]} (${row.Vendor}, ${decimals(row.Amount)}, ${row.Time})`;
