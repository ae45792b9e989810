/** Tests that a versions table in buckets by primary key, as before, is read and rewritten. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "@tidemark/testkit/generate/random";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { valueAt } from "../../src/columns/batch.ts";
import { compactHistory } from "../../src/offline/compaction.ts";
import { bucketState, isOlderLayout } from "../../src/offline/uncompacted-log.ts";
import { historyState, versionEvents } from "../../src/offline/version-events.ts";
import { definitionText } from "../../src/offline/versions-definition.ts";
import type { Batch, Change, MetadataStep } from "../../src/spi.ts";
import type { SourceSpec } from "../../src/specs.ts";
import { History } from "../support/history.ts";
import { withLogOrder } from "../support/log-order.ts";

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
          expect(await events(older), source.name).toEqual(await events(newer));
          await compactHistory(older.context);
          expect(isOlderLayout(await older.state())).toBe(false);
          expect(await older.versions(), source.name).toEqual(await newer.versions());
        }
      },
    ),
    { numRuns: 30 },
  );
});

/** A history whose versions lie in buckets by primary key. */
async function olderHistory(
  source: SourceSpec,
  changes: readonly Change[],
  buckets: number,
): Promise<History> {
  const newer = new History(source);
  await newer.append(changes);
  await compactHistory(newer.context, { mergesAll: true });
  const { offline, tables, rows } = newer.context;
  const columns = tables.versions.columns.map(({ name }) => name);
  const byBucket: Batch[] = [];
  for await (const batch of offline.scan(tables.versions.name, { columns })) {
    const own = Int32Array.from({ length: batch.length }, (_, i) =>
      rows.bucketOf(rows.textOf(rows.keyAt(batch, i)), buckets),
    );
    const vectors = batch.vectors.with(columns.indexOf("_bucket"), {
      kind: "int32",
      values: own,
      valid: null,
    });
    byBucket.push({ ...batch, columns: tables.versions.columns, vectors });
  }
  const { reached, truncates } = bucketState(await newer.state(), 0);
  const state = JSON.stringify({
    reached,
    truncates: truncates.map((one) => ({
      ...one,
      order: String(one.order),
      ...(one.end === undefined ? {} : { end: String(one.end) }),
    })),
  });
  const step = (key: string, next: string): MetadataStep => ({ key, expected: null, next });
  const older = new History(source);
  await older.append(changes);
  await older.context.offline.append(tables.versions, byBucket, {
    positions: [],
    metadata: [
      step("definition", definitionText(source)),
      step("buckets", String(buckets)),
      ...Array.from({ length: buckets }, (_, bucket) => step(`bucket/${bucket}`, state)),
    ],
  });
  return older;
}

/** What a training set of every entity reads, as sorted text. */
async function events({ context }: History): Promise<string[]> {
  const state = await historyState(context);
  const texts: string[] = [];
  for await (const { length, entity, time, from, to, columns } of versionEvents(context, state!, {
    columns: context.source.columns,
    keyColumns: [],
    entityOf: () => 0,
    knowledge: "as-known",
    times: { min: -Infinity, max: Infinity },
  }))
    for (let i = 0; i < length; i++)
      if (entity[i]! >= 0)
        texts.push(
          [time[i], from[i], to[i], ...columns.vectors.map((vector) => valueAt(vector, i))].join(
            " | ",
          ),
        );
  return texts.sort();
}
