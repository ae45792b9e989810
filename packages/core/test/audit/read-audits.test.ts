/** The newest rows are found in few reads, and are those of a full read. */
import type { OfflineStore } from "@tidemark/core/spi";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { AUDIT_TABLE, auditBatch, type AuditRow } from "../../src/audit/audit-table.ts";
import { AUDIT_ACTIONS, type AuditsOptions } from "../../src/audit/audit-types.ts";
import { readAudits } from "../../src/audit/read-audits.ts";

const DAY = 86_400_000_000;
const START = Date.UTC(2026, 0, 1) * 1000;

function rowAt(at: number, i: number): AuditRow {
  return {
    id: `row ${i}`,
    at,
    action: AUDIT_ACTIONS[i % AUDIT_ACTIONS.length]!,
    outcome: "done",
    code: null,
    by: "ann",
    from: null,
    namespace: i % 5 === 0 ? "other" : "default",
    sources: i % 2 === 0 ? ["a", "b"] : [],
    views: [],
    entity: null,
    counts: i % 3 === 0 ? { rows: i, keys: 0 } : {},
    version: i % 7 === 0 ? i : null,
    receipt: null,
    seconds: i / 8,
  };
}

async function filled(rows: readonly AuditRow[]): Promise<OfflineStore> {
  const offline = memoryOfflineStore(memoryOfflineData());
  for (let i = 0; i < rows.length; i += 40)
    await offline.append(AUDIT_TABLE, [auditBatch(rows.slice(i, i + 40))], { positions: [] });
  return offline;
}

/** The store, which knows the ages of the table and counts the reads of rows. */
function described(offline: OfflineStore, rows: readonly AuditRow[]) {
  const times = rows.map(({ at }) => at);
  const counted = { reads: 0 };
  const store: OfflineStore = {
    ...offline,
    describe: async () => ({
      version: 0,
      rows: rows.length,
      files: 1,
      bytes: 1,
      positions: [],
      committedAt: null,
      oldest: Math.min(...times),
      newest: Math.max(...times),
    }),
    scan(table, options) {
      counted.reads++;
      return offline.scan(table, options);
    },
  };
  return { store, counted };
}

// most rows are of the last days, as a log of years
const rows = Array.from({ length: 400 }, (_, i) =>
  rowAt(START + Math.floor(900 * DAY * Math.sqrt(((i * 7919) % 400) / 400)), i),
);

test.for<AuditsOptions>([
  {},
  { limit: 1 },
  { limit: 37 },
  { limit: 10_000 },
  { limit: 0 },
  { action: "push" },
  { action: "erase", limit: 3 },
  { from: "2027-01-01T00:00:00Z", limit: 20 },
  { to: "2026-06-01T00:00:00Z", limit: 20 },
  { from: "2026-06-01T00:00:00Z", to: "2026-09-01T00:00:00Z" },
  { from: "2030-01-01T00:00:00Z" },
  { to: "2020-01-01T00:00:00Z" },
])("read in spans equals a full read: %j", async (options) => {
  const offline = await filled(rows);
  const { store, counted } = described(offline, rows);
  const spans = await readAudits(store, "default", options);
  expect(spans).toEqual(await readAudits(offline, "default", options));
  expect(counted.reads).toBeLessThanOrEqual(11);
  const [from, to] = [options.from, options.to].map((time) =>
    time === undefined ? null : Date.parse(time as string) * 1000,
  );
  const wanted = rows
    .filter(
      ({ namespace, action }) => namespace === "default" && action === (options.action ?? action),
    )
    .filter(({ at }) => at >= (from ?? -Infinity) && at < (to ?? Infinity))
    .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .slice(0, options.limit ?? 100);
  expect(spans.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
  expect(
    spans.map(({ counts, version, seconds, sources }) => [counts, version, seconds, sources]),
  ).toEqual(wanted.map((row) => [row.counts, row.version, row.seconds, row.sources]));
});

test("the newest rows need one read of a long log", async () => {
  const { store, counted } = described(await filled(rows), rows);
  expect(await readAudits(store, "default", { limit: 1 })).toHaveLength(1);
  expect(counted.reads).toBe(1);
});

test("other options, actions and limits are refused", async () => {
  const offline = await filled([]);
  const refused = (options: object) =>
    expect(readAudits(offline, "default", options)).rejects.toMatchObject;
  await refused({ since: "x" })({ code: "OPTION_UNKNOWN" });
  await refused({ action: "vacuum" })({ code: "OPTION_INVALID" });
  await refused({ limit: 10_001 })({ code: "OPTION_INVALID" });
  await refused({ from: "yesterday" })({ code: "TIME_INVALID" });
});
