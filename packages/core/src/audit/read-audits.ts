/** Reads the table of the audit, newest first. */
import { timeOf } from "../define/time-input.ts";
import {
  countOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "../option-checks.ts";
import { newestSpans } from "../scan-newest.ts";
import type { OfflineStore } from "../spi.ts";
import { AUDIT_COLUMNS, AUDIT_TABLE, auditEntry, auditRows, type AuditRow } from "./audit-table.ts";
import { AUDIT_ACTIONS, type AuditEntry, type AuditsOptions } from "./audit-types.ts";

const OPTIONS: OptionNames = {
  names: new Set<keyof AuditsOptions>(["from", "to", "action", "limit", "signal"]),
  renamed: {},
};
const MOST_ROWS = 10_000;
const DEFAULT_ROWS = 100;

/**
 * Reads the newest rows of a namespace.
 *
 * @throws OPTION_INVALID when the action is none, or the limit is no number of rows.
 * @throws TIME_INVALID when `from` or `to` is no time.
 */
export async function readAudits(
  offline: OfflineStore,
  namespace: string,
  options: AuditsOptions,
): Promise<readonly AuditEntry[]> {
  refuseUnknownOptions("audits", options, OPTIONS);
  const { signal } = options;
  const limit = countOption("audits: limit", options.limit, MOST_ROWS) ?? DEFAULT_ROWS;
  const action =
    options.action === undefined
      ? null
      : wordOption("audits: action", options.action, AUDIT_ACTIONS);
  const from = options.from === undefined ? -Infinity : timeOf(options.from, "audits: from");
  const to = options.to === undefined ? Infinity : timeOf(options.to, "audits: to");
  if (limit === 0) return [];
  const isWanted = (row: AuditRow): boolean =>
    row.namespace === namespace &&
    row.at >= from &&
    row.at < to &&
    (action === null || row.action === action);

  const found = newestRows(limit);
  const asked = { table: AUDIT_TABLE.name, columns: AUDIT_COLUMNS, timeColumn: "began_at" };
  for await (const { batches, has } of newestSpans(offline, { ...asked, from, to, signal })) {
    for await (const batch of batches)
      for (const row of auditRows(batch)) if (isWanted(row) && has(row.at)) found.add(row);
    if (found.isFull()) break;
  }
  return found.rows().map(auditEntry);
}

/** Keeps the newest rows, each id once. */
function newestRows(limit: number): {
  add(row: AuditRow): void;
  isFull(): boolean;
  rows(): readonly AuditRow[];
} {
  let kept = new Map<string, AuditRow>();
  const rows = (): readonly AuditRow[] =>
    [...kept.values()]
      .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0))
      .slice(0, limit);
  return {
    add(row) {
      kept.set(row.id, row);
      if (kept.size >= 2 * limit + 1000) kept = new Map(rows().map((one) => [one.id, one]));
    },
    isFull: () => kept.size >= limit,
    rows,
  };
}
