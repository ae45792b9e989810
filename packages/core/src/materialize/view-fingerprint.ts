/** A number for the definition of a view's rows. Rows of another definition have another number. */
import { fnv1a } from "../columns/text-hash.ts";
import type { ViewSpec } from "../specs.ts";
import { planOf } from "../plan/view-plans.ts";

/**
 * Returns a safe integer. It is equal for definitions that give every row the same values under the
 * same names.
 */
export function viewFingerprint(view: ViewSpec): number {
  const { source, entity } = view;
  const columns = [
    ...planOf(view, view.features).columns.map(({ name }) => name),
    ...view.keyColumns,
    ...source.primaryKey,
    ...(source.eventTime.kind === "column" ? [source.eventTime.column] : []),
  ];
  const content = {
    is: view.kind,
    ttl: view.ttl,
    keyColumns: view.keyColumns,
    features: view.features,
    entity: entity.keys.map(({ name, type, scale }) => ({ name, type, scale })),
    source: {
      name: source.name,
      table: source.table,
      primaryKey: source.primaryKey,
      eventTime: source.eventTime,
      createdAt: source.createdAt,
    },
    columns: source.columns.filter(({ name }) => columns.includes(name)),
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
