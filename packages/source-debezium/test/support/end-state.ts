/**
 * An oracle of the rows that changes leave behind (law 5: per primary key the newest change wins by
 * (LSN, offset)). A delete leaves a tombstone, a truncate one for the table.
 */
import type { Change, SourceSpec, Value } from "@tidemark/core/spi";

interface Image {
  readonly lsn: bigint | null;
  readonly offset: number;
  readonly values: readonly Value[] | null;
}

export class EndState {
  private readonly images = new Map<string, Image>();
  private truncated: bigint | null = null;
  private readonly source: SourceSpec;
  private readonly primaryKey: readonly number[];

  constructor(source: SourceSpec) {
    this.source = source;
    this.primaryKey = source.primaryKey.map((name) =>
      source.columns.findIndex((column) => column.name === name),
    );
  }

  apply(change: Change): void {
    if (change.source !== this.source.name) return;
    if (change.kind === "truncate") {
      if (this.truncated === null || change.order! > this.truncated) this.truncated = change.order;
    } else if (change.kind !== "none") {
      const key = this.primaryKey.map((c) => change.values![c]!);
      const stored = this.images.get(text(key))?.values ?? null;
      const values = change.values!.map((value, c) =>
        change.unavailable.includes(c) ? (stored?.[c] ?? null) : value,
      );
      this.put(text(key), {
        lsn: change.order,
        offset: change.offset,
        values: change.kind === "upsert" ? values : null,
      });
      if (change.oldKey !== null && text(change.oldKey) !== text(key))
        this.put(text(change.oldKey), { lsn: change.order, offset: change.offset, values: null });
    }
  }

  private put(key: string, image: Image): void {
    const stored = this.images.get(key);
    if (stored === undefined || newer(image, stored)) this.images.set(key, image);
  }

  /** Gives the rows in the order of their keys. */
  rows(): (readonly Value[])[] {
    return [...this.images]
      .filter(
        ([, { values, lsn }]) =>
          values !== null && (this.truncated === null || lsn === null || lsn > this.truncated),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { values }]) => values!);
  }
}

const text = (key: readonly Value[]): string =>
  key
    .map((value) => (typeof value === "bigint" ? String(value).padStart(20, "0") : String(value)))
    .join("\u0000");
const newer = (a: Image, b: Image): boolean =>
  a.lsn === null || b.lsn === null || a.lsn === b.lsn ? a.offset >= b.offset : a.lsn > b.lsn;

export function endState(
  source: SourceSpec,
  changes: readonly (Change | null)[],
): (readonly Value[])[] {
  const state = new EndState(source);
  for (const change of changes) if (change !== null) state.apply(change);
  return state.rows();
}
