/** Tests that a versions table in buckets by primary key, as before, is read and rewritten. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "@tidemark/testkit/generate/random";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { UNMERGED_LAYOUT } from "@tidemark/testkit/generate/small-layout";
import { compactHistory } from "../../src/offline/compaction.ts";
import type { LayoutLimits } from "../../src/offline/merge-plan.ts";
import { isOlderLayout } from "../../src/offline/uncompacted-log.ts";
import type { Change } from "../../src/spi.ts";
import type { SourceSpec } from "../../src/specs.ts";
import { History } from "../support/history.ts";
import { withLogOrder } from "../support/log-order.ts";
import { olderVersionsOf } from "../support/older-versions.ts";

test("answers and versions are those of a table that always had time buckets", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 1, max: 4 }),
      async (seed, buckets) => {
        const scenario = generateScenario(seed, { traits: { changes: 30 } });
        const random = new Random(seed);
        for (const source of scenario.sources) {
          const changes = withLogOrder(source, scenario.truth);
          if (changes.length < 2) continue;
          const cut = random.between(1, changes.length - 1);
          const older = await olderHistory(source, changes.slice(0, cut), buckets);
          await older.append(changes.slice(cut));
          const newer = new History(source);
          await newer.append(changes);
          await compactHistory(newer.context, { mergesAll: true });

          expect(isOlderLayout(await older.state())).toBe(true);
          expect(await older.events(), source.name).toEqual(await newer.events());
          await compactHistory(older.context);
          expect(isOlderLayout(await older.state())).toBe(false);
          expect(await older.versions(), source.name).toEqual(await newer.versions());
        }
      },
    ),
    { numRuns: 30 },
  );
});

/** Time buckets are closed early, and never written anew. */
const layoutLimits: LayoutLimits = { ...UNMERGED_LAYOUT, sealedRows: 5, bucketRows: 1_000 };

test("after the rewrite, time buckets are closed behind all rows that they have", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const scenario = generateScenario(seed, { traits: { changes: 60 } });
      const random = new Random(seed);
      for (const source of scenario.sources) {
        const changes = withLogOrder(source, scenario.truth);
        if (changes.length < 2) continue;
        let at = random.between(1, changes.length - 1);
        const older = await olderHistory(source, changes.slice(0, at), 2);
        await compactHistory(older.context);
        const newer = new History(source);
        await newer.append(changes);
        await compactHistory(newer.context, { mergesAll: true });
        while (at < changes.length) {
          const size = random.between(1, 20);
          await older.append(changes.slice(at, at + size));
          await compactHistory(older.context, { layoutLimits });
          at += size;
        }
        const times = timesOf(await newer.events());
        for (const min of times) {
          const range = { min, max: min + random.between(0, 1_000_000_000) };
          expect(await older.events(range)).toEqual(await newer.events(range));
        }
      }
    }),
    { numRuns: 20 },
  );
});

/** The event times of events, each once. */
function timesOf(events: readonly string[]): readonly number[] {
  return [...new Set(events.map((text) => Number(text.split(" | ")[0])))];
}

/** A history whose versions lie in buckets by primary key. */
async function olderHistory(
  source: SourceSpec,
  changes: readonly Change[],
  buckets: number,
): Promise<History> {
  const newer = new History(source);
  await newer.append(changes);
  await compactHistory(newer.context, { mergesAll: true });
  const older = new History(source);
  await older.append(changes);
  await (await olderVersionsOf(newer.context, buckets)).writeTo(older.context);
  return older;
}
