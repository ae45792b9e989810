/** The table of the audit: one row for each action, and for the pushes of a minute. */
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import { tableColumn } from "../columns/table-column.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { TableSpec } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import {
  AUDIT_COUNTS,
  type AuditAction,
  type AuditEntry,
  type AuditOutcome,
} from "./audit-types.ts";

/** A row of the table, with its time in µs. */
export interface AuditRow extends Omit<AuditEntry, "at"> {
  readonly at: number;
  readonly namespace: string;
}

/**
 * The columns of the table. No column has a key or a value of a row.
 *
 * - `id`: drawn for the row. A commit whose answer was lost may write a row twice, with one id.
 * - `began_at`: when the action began.
 * - `action`, `outcome`, `code`: what was done, and how it ended.
 * - `called_by`, `called_from`: who acted, and from where.
 * - `namespace`: of the store.
 * - `sources`, `views`: names, separated by commas.
 * - `entity`: the name of an entity of the definitions.
 * - `call_count` and the others: what was counted; null: it was not counted.
 * - `version`: of the registry, after an apply.
 * - `receipt`: the id of an erasure's receipt.
 */
const COLUMNS: readonly ColumnSpec[] = [
  tableColumn("id", "string", false),
  tableColumn("began_at", "timestamp", false),
  tableColumn("action", "string", false),
  tableColumn("outcome", "string", false),
  tableColumn("code", "string"),
  tableColumn("called_by", "string", false),
  tableColumn("called_from", "string"),
  tableColumn("namespace", "string", false),
  tableColumn("sources", "string"),
  tableColumn("views", "string"),
  tableColumn("entity", "string"),
  ...AUDIT_COUNTS.map((name) => tableColumn(`${name.replace(/s$/, "")}_count`, "int64")),
  tableColumn("version", "int64"),
  tableColumn("receipt", "string"),
  tableColumn("seconds", "float64", false),
];

/** The table of the audit. */
export const AUDIT_TABLE: TableSpec = { name: "audit/actions", columns: COLUMNS, partitionBy: [] };

/** The names of its columns, as `auditRows` reads them. */
export const AUDIT_COLUMNS: readonly string[] = COLUMNS.map(({ name }) => name);

/** The rows as a batch. */
export function auditBatch(rows: readonly AuditRow[]): Batch {
  return batchOf(
    COLUMNS,
    rows.map((row): Value[] => [
      row.id,
      row.at,
      row.action,
      row.outcome,
      row.code,
      row.by,
      row.from,
      row.namespace,
      listText(row.sources),
      listText(row.views),
      row.entity,
      ...AUDIT_COUNTS.map((name) => integer(row.counts[name] ?? null)),
      integer(row.version),
      row.receipt,
      row.seconds,
    ]),
  );
}

/** The rows of a batch with the columns of the table. */
export function* auditRows({ length, vectors }: Batch): Generator<AuditRow> {
  for (let i = 0; i < length; i++) {
    const values = vectors.map((vector) => valueAt(vector, i));
    const at = (name: string): Value => values[AUDIT_COLUMNS.indexOf(name)] ?? null;
    const text = (name: string): string | null => at(name) as string | null;
    yield {
      id: text("id")!,
      at: Number(at("began_at")),
      action: text("action") as AuditAction,
      outcome: text("outcome") as AuditOutcome,
      code: text("code"),
      by: text("called_by")!,
      from: text("called_from"),
      namespace: text("namespace")!,
      sources: listOf(text("sources")),
      views: listOf(text("views")),
      entity: text("entity"),
      counts: Object.fromEntries(
        AUDIT_COUNTS.flatMap((name, c) => {
          const value = values[FIRST_COUNT + c] ?? null;
          return value === null ? [] : [[name, Number(value)]];
        }),
      ),
      version: numberOf(at("version")),
      receipt: text("receipt"),
      seconds: Number(at("seconds")),
    };
  }
}

const FIRST_COUNT = AUDIT_COLUMNS.indexOf("entity") + 1;

/** A row as `store.audits` gives it. */
export function auditEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: formatTime(row.at),
    action: row.action,
    outcome: row.outcome,
    code: row.code,
    by: row.by,
    from: row.from,
    sources: row.sources,
    views: row.views,
    entity: row.entity,
    counts: row.counts,
    version: row.version,
    receipt: row.receipt,
    seconds: row.seconds,
  };
}

function listText(names: readonly string[]): string | null {
  return names.length === 0 ? null : names.join(",");
}

function listOf(text: string | null): readonly string[] {
  return text === null ? [] : text.split(",");
}

function integer(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}

function numberOf(value: Value): number | null {
  return value === null ? null : Number(value);
}
