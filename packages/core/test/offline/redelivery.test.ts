import { expect, test } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { compactHistory } from "../../src/offline/compaction.ts";
import { changeLogEncoder } from "../../src/offline/change-log.ts";
import type { ColumnSpec, SourceSpec } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";
import { valueAt } from "../../src/columns/batch.ts";
import { memoryOfflineStore } from "../../src/testing/index.ts";

const id: ColumnSpec = { name: "id", database: "id", type: "int32", nullable: false };
const source: SourceSpec = {
  name: "s",
  table: "public.s",
  columns: [id],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
};

function change(partition: number, offset: number, kind: "upsert" | "delete", lsn: bigint): Change {
  return {
    source: "s",
    topic: "t",
    partition,
    offset,
    kind,
    values: [1],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: lsn,
    committed: Number(lsn) * 1000,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: null,
  };
}

/** Returns the versions table after these batches of changes, with a compaction after each. */
async function versionsOf(parts: readonly (readonly Change[])[]): Promise<unknown[][]> {
  const context = historyContext(memoryOfflineStore(), source);
  const { offline, tables } = context;
  const reached = new Map<string, number>();
  for (const part of parts) {
    const next = new Map(part.map((one) => [`t:${one.partition}`, one.offset]));
    const positions = [...next].map(([partition, offset]) => ({
      partition,
      expected: reached.get(partition) ?? null,
      next: offset,
    }));
    await offline.append(tables.changes, [changeLogEncoder(source)(part)], { positions });
    for (const [partition, offset] of next) reached.set(partition, offset);
    await compactHistory(context, { buckets: 1 });
  }
  const rows: unknown[][] = [];
  for await (const batch of offline.scan(tables.versions.name, {
    columns: ["id", "_known_from", "_known_to", "_deleted", "_order", "_offset"],
  })) {
    for (let i = 0; i < batch.length; i++)
      rows.push(batch.vectors.map((vector) => valueAt(vector, i)));
  }
  return rows.sort((a, b) => Number(a[1]) - Number(b[1]));
}

test(
  "a change delivered again leaves the same versions, however " + "compaction cut the log (law 5)",
  async () => {
    const log = [
      change(0, 0, "upsert", 10n),
      change(0, 1, "delete", 20n),
      change(0, 2, "delete", 20n),
    ];
    const versions = [
      [1, 10_000, 20_000, false, 10n, 0n],
      [1, 20_000, null, true, 20n, 1n],
    ];
    expect(await versionsOf([log])).toEqual(versions);
    expect(await versionsOf(log.map((one) => [one]))).toEqual(versions);
  },
);

test(
  "a change delivered again in a partition with lower offsets leaves the same " + "versions",
  async () => {
    const log = [
      change(0, 7, "upsert", 10n),
      change(0, 8, "delete", 20n),
      change(1, 0, "delete", 20n),
    ];
    const versions = [
      [1, 10_000, 20_000, false, 10n, 7n],
      [1, 20_000, null, true, 20n, 0n],
    ];
    expect(await versionsOf([log])).toEqual(versions);
    expect(await versionsOf(log.map((one) => [one]))).toEqual(versions);
  },
);
