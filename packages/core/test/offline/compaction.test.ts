import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactHistory } from "../../src/offline/compaction.ts";
import type { LayoutLimits } from "../../src/offline/merge-plan.ts";
import { bucketState } from "../../src/offline/uncompacted-log.ts";
import type { SourceSpec } from "../../src/specs.ts";
import type { Change, MetadataStep, OfflineStore, Position } from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { Random } from "@tidemark/testkit/generate/random";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { History } from "../support/history.ts";
import { withLogOrder } from "../support/log-order.ts";

/** Limits at which little is merged, all is merged, and buckets are cut small. */
const anyLimits = fc.record<LayoutLimits>({
  cheapRows: fc.constantFrom(0, 0, 10),
  rowsPerChange: fc.constantFrom(0, 1.5),
  corrections: fc.constantFrom(4, 1000),
  corrected: fc.constantFrom(0.25, 10),
  runs: fc.constantFrom(2, 24),
  correctionAge: fc.constantFrom(0, 5, Infinity),
  sealedRows: fc.constantFrom(3, 10, 1000),
  bucketRows: fc.constantFrom(5, 20, 1000),
  partRows: fc.constantFrom(2, 5),
});

/** Any column of the source: no version depends on it. */
function clusterOf({ columns }: SourceSpec): readonly string[] {
  return [columns[columns.length >> 1]!.name];
}

/** A bucket with fewer stale rows than parts is cut before its corrections are merged. */
const splitWithFewStaleRows: [number, LayoutLimits] = [
  68_048,
  {
    cheapRows: 0,
    rowsPerChange: 0,
    corrections: 1000,
    corrected: 10,
    runs: 24,
    correctionAge: 0,
    sealedRows: 1000,
    bucketRows: 5,
    partRows: 2,
  },
];

describe("appends and compactions in any order leave the versions of one compaction", () => {
  test("of logs with every kind of change", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), anyLimits, async (seed, limits) => {
        const scenario = generateScenario(seed, { traits: { changes: 30 } });
        const random = new Random(seed);
        for (const source of scenario.sources) {
          const changes = withLogOrder(source, scenario.truth);
          if (changes.length === 0) continue;
          const [once, often] = [new History(source), new History(source)];
          let now = 0;
          const clock = (): number => now++;
          await once.append(changes);
          await compactHistory(once.context, { mergesAll: true });
          for (let at = 0; at < changes.length;) {
            const size = random.between(1, random.pick([1, 5, 20]));
            await often.append(changes.slice(at, at + size));
            at += size;
            if (random.chance(0.6))
              await compactHistory(often.context, {
                layoutLimits: limits,
                clusterBy: clusterOf(source),
                clock,
              });
            if (random.chance(0.1))
              await compactHistory(often.context, { layoutLimits: limits, mergesAll: true });
          }
          await compactHistory(often.context, { layoutLimits: limits });
          expect(await often.readVersions(), source.name).toEqual(await once.readVersions());
          await compactHistory(often.context, { layoutLimits: limits, mergesAll: true });
          expect(await often.versions(), source.name).toEqual(await once.versions());
        }
      }),
      { numRuns: 40, examples: [splitWithFewStaleRows] },
    );
  });
});

describe("compactors at once", () => {
  /** A store whose calls interleave with others. */
  function slowed(store: OfflineStore, random: Random): OfflineStore {
    const pause = async (): Promise<void> => {
      for (let turns = random.int(4); turns > 0; turns--)
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
    };
    return {
      ...store,
      async state(...all) {
        await pause();
        const state = await store.state(...all);
        await pause();
        return state;
      },
      async append(...all) {
        await pause();
        return store.append(...all);
      },
      async rewrite(...all) {
        await pause();
        return store.rewrite(...all);
      },
      async *scan(...all) {
        await pause();
        for await (const batch of store.scan(...all)) {
          yield batch;
          await pause();
        }
      },
    };
  }

  test("lose nothing, double nothing, and set no position back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), anyLimits, async (seed, limits) => {
        const scenario = generateScenario(seed, { traits: { changes: 30 } });
        const random = new Random(seed);
        for (const source of scenario.sources) {
          const changes = withLogOrder(source, scenario.truth);
          if (changes.length === 0) continue;
          const once = new History(source);
          await once.append(changes);
          await compactHistory(once.context, { mergesAll: true });

          const memory = memoryOfflineStore();
          const raced = new History(source, slowed(memory, random));
          let least = 0;
          const { append: appendRows, rewrite } = raced.context.offline;
          const check = (metadata: readonly MetadataStep[] | undefined): void => {
            for (const { key, next } of metadata ?? []) {
              if (key !== "log") continue;
              const { reached } = JSON.parse(next!) as { readonly reached: Position[] };
              const offsets = reached.reduce((sum, { offset }) => sum + offset + 1, 0);
              expect(offsets).toBeGreaterThan(least);
              least = offsets;
            }
          };
          const watched = {
            ...raced.context,
            offline: {
              ...raced.context.offline,
              async append(...all: Parameters<typeof appendRows>) {
                const written = await appendRows(...all);
                if (written === "done") check(all[2].metadata);
                return written;
              },
              async rewrite(...all: Parameters<typeof rewrite>) {
                const written = await rewrite(...all);
                if (written === "done") check(all[2].metadata);
                return written;
              },
            },
          };
          const append = async (): Promise<void> => {
            for (let at = 0; at < changes.length; at += 10)
              await raced.append(changes.slice(at, at + 10));
          };
          const compact = async (): Promise<void> => {
            for (let i = 0; i < 4; i++) await compactHistory(watched, { layoutLimits: limits });
          };
          await Promise.all([append(), compact(), compact(), compact()]);
          await compactHistory(raced.context, { mergesAll: true });
          expect(await raced.versions(), source.name).toEqual(await once.versions());
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("positions", () => {
  const id = { name: "id", database: "id", type: "int32", nullable: false } as const;
  const source: SourceSpec = {
    name: "s",
    table: "public.s",
    columns: [id],
    primaryKey: ["id"],
    eventTime: { kind: "committed", since: null },
    createdAt: null,
  };
  const change = (offset: number, key: number, more: Partial<Change> = {}): Change => ({
    source: "s",
    topic: "t",
    partition: 0,
    offset,
    kind: "upsert",
    values: [key],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: BigInt(offset + 1),
    committed: offset * 1000,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: null,
    ...more,
  });

  test("the versions are as far as the log, whether it has rows or not", async () => {
    const history = new History(source);
    await history.append([change(0, 1)]);
    await compactHistory(history.context);
    await history.append([change(1, 2), change(2, 3)]);
    await compactHistory(history.context);
    expect(bucketState(await history.state(), 0).reached).toEqual([
      { partition: "t:0", offset: 2 },
    ]);
  });

  test("if the log has nothing new, nothing is written", async () => {
    const history = new History(source);
    await history.append([change(0, 1)]);
    expect(await compactHistory(history.context)).toEqual({ changes: 1 });
    const { version } = await history.state();
    expect(await compactHistory(history.context)).toEqual({ changes: 0 });
    expect((await history.state()).version).toBe(version);
  });

  test("messages without a row move the positions only", async () => {
    const history = new History(source);
    await history.append([change(0, 1)]);
    await compactHistory(history.context);
    await history.append([change(1, 0, { kind: "none", values: null, order: null })]);
    const { rows } = await history.state();
    expect(await compactHistory(history.context)).toEqual({ changes: 1 });
    expect((await history.state()).rows).toBe(rows);
    expect(bucketState(await history.state(), 0).reached).toEqual([
      { partition: "t:0", offset: 1 },
    ]);
  });

  test("without a log there is nothing to compact", async () => {
    const history = new History(source);
    expect(await compactHistory(history.context)).toEqual({ changes: 0 });
    expect(await history.context.offline.state(history.context.tables.versions.name)).toBe(null);
  });

  test("a truncate reaches every row, also the rows that come before it later", async () => {
    const history = new History(source);
    await history.append([
      change(0, 1),
      change(1, 2),
      change(4, 0, { kind: "truncate", values: null, order: 10n, committed: 9000 }),
    ]);
    await compactHistory(history.context);
    await history.append([change(5, 7, { order: 6n, committed: 6000 })]);
    await compactHistory(history.context);
    expect((await history.versions()).map((row) => row.split(" | ").slice(0, 4).join())).toEqual([
      "1,0,9000,false",
      "1,9000,null,true",
      "2,1000,9000,false",
      "2,9000,null,true",
      "7,6000,9000,false",
      "7,9000,null,true",
    ]);
  });
});
