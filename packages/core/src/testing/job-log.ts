/** A change log of several sources in memory, for tests of engines that run whole jobs. */
import type { SourceSpec, Value } from "../specs.ts";
import type { Change, ChangeBatch, ChangeSource } from "../spi.ts";
import { columnIndex } from "../rows/row-change.ts";

/** The values of a row, by the names of the columns. A column that is left out is null. */
export type RowValues = Readonly<Record<string, Value>>;

/** A log to which rows are written. Rows of sources that nobody reads are left out. */
export interface JobLog {
  /** Writes a row at a commit time, µs. */
  put(source: string, committed: number, row: RowValues): void;
  /** Deletes the row of a primary key. */
  remove(source: string, committed: number, key: RowValues): void;
  /** The changes that were written. */
  changes(): ChangeSource;
}

export function jobLog(sources: ReadonlyMap<string, SourceSpec>): JobLog {
  const written = new Map<string, Change[]>([...sources.keys()].map((name) => [name, []]));
  let order = 0n;
  const write = (
    kind: "upsert" | "delete",
    name: string,
    committed: number,
    row: RowValues,
  ): void => {
    const source = sources.get(name);
    if (source === undefined) return;
    const values = new Array<Value>(source.columns.length).fill(null);
    for (const [column, value] of Object.entries(row)) values[columnIndex(source, column)] = value;
    const changes = written.get(name)!;
    order += 8n;
    changes.push({
      source: name,
      topic: name,
      partition: 0,
      offset: changes.length,
      kind,
      values,
      oldKey: null,
      unavailable: [],
      invalidColumns: [],
      undecodable: null,
      nonFinite: 0,
      order,
      committed,
      snapshot: false,
      op: kind === "delete" ? "d" : "c",
      timestamp: null,
      transaction: null,
    });
  };
  return {
    put(source, committed, row) {
      write("upsert", source, committed, row);
    },
    remove(source, committed, key) {
      write("delete", source, committed, key);
    },
    changes: () => ({
      name: "the log of a test",
      bounded: true,
      async *changes(): AsyncIterable<ChangeBatch> {
        for (const [name, changes] of written)
          if (changes.length > 0)
            yield { changes, positions: [{ partition: `${name}:0`, offset: changes.length - 1 }] };
      },
    }),
  };
}
