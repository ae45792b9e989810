/** A number for the definition of a view's rows. Rows of another definition have another number. */
import { fnv1a } from "../columns/text-hash.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import type { SourceSpec, UnionPart, ViewSpec } from "../specs.ts";
import { quarantineConditions } from "../rows/definition-differences.ts";
import { originalTable } from "../rows/source-tables.ts";
import { planOf } from "../plan/compile.ts";
import { dimensionColumns, dimensionsOf, inputOf, lookupsOf } from "../plan/plan-kinds.ts";

/**
 * Returns a safe integer. It is equal for definitions that give every row the same values under the
 * same names.
 */
export function viewFingerprint(view: ViewSpec): number {
  const { source, entity } = view;
  const plan = planOf(view, view.features);
  const columns = [
    ...inputOf(plan.input.input).columns.map(({ name }) => name),
    ...view.keyColumns,
    ...source.primaryKey,
    source.eventTime.kind === "column" ? source.eventTime.column : source.eventTime.since,
  ];
  const content = {
    is: view.kind,
    ttl: view.ttl,
    rows: view.rows,
    ...(view.lookups === undefined ? {} : { lookups: lookupsIn(view, plan) }),
    keyColumns: view.keyColumns,
    features: view.features.map((feature) => ({ ...feature, renamedFrom: undefined })),
    entity: entity.keys.map(({ name, type, scale }) => ({ name, type, scale })),
    source: rowsOf(source),
    columns: source.columns.filter(({ name }) => columns.includes(name)),
    parts: view.parts?.map((part) => partIn(part, columns)),
  };
  const text = JSON.stringify(content, (_, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Uint8Array) return [...value];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
  return (hashText(text, 0x811c9dc5) & 0xf_ffff) * 2 ** 32 + hashText(text, 0x01234567);
}

/** What decides which rows a source has, and when each holds. */
function rowsOf({ name, ...source }: SourceSpec) {
  const quarantine = quarantineConditions({ name, ...source });
  return {
    name,
    table: originalTable({ name, ...source }),
    primaryKey: source.primaryKey,
    ...(source.keyFrom === undefined ? {} : { keyFrom: source.keyFrom }),
    eventTime: source.eventTime,
    createdAt: source.createdAt,
    ...(quarantine.length === 0 ? {} : { quarantine }),
  };
}

/** The lookups that the features need, with the columns of their dimensions. */
function lookupsIn(view: ViewSpec, plan: DeriveNode) {
  const dimensions = dimensionsOf(view, plan);
  return lookupsOf(plan.input.input).map((lookup, i) => {
    const dimension = dimensions[i]!;
    const { condition, on, columns } = lookup;
    const names = [...dimension.primaryKey, ...dimensionColumns(lookup)];
    return {
      condition,
      on,
      columns,
      dimension: rowsOf(dimension),
      read: dimension.columns.filter(({ name }) => names.includes(name)),
    };
  });
}

/** A part of a union, as far as these columns of the union need it. */
function partIn(
  { name, source, rows, columns, explode }: UnionPart,
  asked: readonly (string | null)[],
) {
  const read = Object.entries(columns).filter(([column]) => asked.includes(column));
  const names = [
    ...read.map(([, value]) => value),
    ...[rows, explode?.list].flatMap((one) => one ?? []),
  ].flatMap(columnsOfExpression);
  return {
    name,
    rows,
    source: rowsOf(source),
    explode: explode?.list,
    values: Object.fromEntries(read),
    columns: source.columns.filter((column) => names.includes(column.name)),
  };
}

/**
 * FNV-1a with its bits mixed at the end. It decides where rows lie in users' files, so it never
 * changes.
 */
export function hashText(text: string, start?: number): number {
  let value = fnv1a(text, start);
  value ^= value >>> 16;
  value = Math.imul(value, 0x45d9f3b);
  value ^= value >>> 15;
  return value >>> 0;
}
