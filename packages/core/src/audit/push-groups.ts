/** Gathers pushes: one row of the audit for each minute, source, caller and outcome. */
import type { AuditRow } from "./audit-table.ts";

const MINUTE_MICROS = 60_000_000;

/** Pushes that have no row yet. */
export interface PushGroups {
  /** The number of groups. */
  readonly size: number;
  /** Adds a push. Its row is that of one call. */
  add(push: AuditRow): void;
  /** Returns a row for each group, and forgets the groups. */
  take(): readonly AuditRow[];
}

/** Makes an empty set of groups. */
export function pushGroups(): PushGroups {
  let groups = new Map<string, AuditRow>();
  return {
    get size() {
      return groups.size;
    },
    add(push) {
      const { at, outcome, code, by, from, sources } = push;
      const minute = Math.floor(at / MINUTE_MICROS);
      const key = JSON.stringify([minute, outcome, code, by, from, sources]);
      const group = groups.get(key);
      groups.set(key, group === undefined ? push : together(group, push));
    },
    take() {
      const rows = [...groups.values()];
      groups = new Map();
      return rows;
    },
  };
}

function together(group: AuditRow, push: AuditRow): AuditRow {
  const sum = (name: "calls" | "deletes" | "rows"): number =>
    (group.counts[name] ?? 0) + (push.counts[name] ?? 0);
  return {
    ...group,
    at: Math.min(group.at, push.at),
    counts: { calls: sum("calls"), deletes: sum("deletes"), rows: sum("rows") },
    seconds: group.seconds + push.seconds,
  };
}
