/** Tests that merges of a history in a directory disturb no reader of an older version. */
import { type Batch, valueAt } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { generateScenario, smallLayout } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { compactHistory } from "../../packages/core/src/offline/compaction.ts";
import { History } from "../../packages/core/test/support/history.ts";
import { withLogOrder } from "../../packages/core/test/support/log-order.ts";
import { inFolder } from "../src/real-stores.ts";

test("a reader holds an old version through ten merges, a vacuum, and reads the same", async () => {
  const scenario = generateScenario(66, { traits: { changes: 120 } });
  await inFolder(async (folder) => {
    const offline = deltaOfflineStore(localObjects(folder));
    for (const source of scenario.sources) {
      const changes = withLogOrder(source, scenario.truth);
      const history = new History(source, offline);
      const { tables } = history.context;
      const part = Math.ceil(changes.length / 11);
      await history.append(changes.slice(0, part));
      await compactHistory(history.context, { layoutLimits: smallLayout(1) });
      const { version } = await history.state();
      const scan = (): AsyncIterable<Batch> =>
        offline.scan(tables.versions.name, {
          columns: tables.versions.columns.map(({ name }) => name),
          version,
        });
      const before = await textsOf(scan());
      const begun = scan()[Symbol.asyncIterator]();
      const first = await begun.next();

      for (let at = part; at < changes.length; at += part) {
        await history.append(changes.slice(at, at + part));
        await compactHistory(history.context, { layoutLimits: smallLayout(at) });
        await compactHistory(history.context, { mergesAll: true });
        await offline.optimize(tables.versions.name);
      }
      await offline.vacuum(tables.versions.name);
      expect(await textsOf(scan())).toEqual(before);
      const rest: Batch[] = first.done === true ? [] : [first.value];
      for (let next = await begun.next(); next.done !== true; next = await begun.next())
        rest.push(next.value);
      expect(textsIn(rest).sort()).toEqual(before);
    }
    await offline.close();
  });
});

async function textsOf(batches: AsyncIterable<Batch>): Promise<readonly string[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return textsIn(all).sort();
}

function textsIn(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ length, vectors }) =>
    Array.from({ length }, (_, i) =>
      vectors.map((vector) => String(valueAt(vector, i))).join(" | "),
    ),
  );
}
