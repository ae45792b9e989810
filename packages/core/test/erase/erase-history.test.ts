/** Many rows of a history are erased in several steps, so that memory stays bounded. */
import { valueAt } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { belongingTo, erasedEntities } from "../../src/erase/entity-columns.ts";
import { eraseHistory } from "../../src/erase/erase-history.ts";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { definitions, openShop, ShopLog, type ShopStores } from "../support/shop.ts";

const source = [...collectDefinitions(definitions).sources.values()].find(
  ({ name }) => name === "payments",
)!;
const { entity } = [...collectDefinitions(definitions).views.values()].find(
  ({ name }) => name === "weekly",
)!;

async function rowsOf({ offline }: ShopStores, table: string): Promise<string[]> {
  const columns = (await offline.state(table))!.columns.map(({ name }) => name);
  const rows: string[] = [];
  for await (const { vectors, length } of offline.scan(table, { columns }))
    for (let i = 0; i < length; i++)
      rows.push(vectors.map((vector) => String(valueAt(vector, i))).join("|"));
  return rows.sort();
}

test.each([1, 3, 1_000])("with room for %i changes the same rows are left", async (mostChanges) => {
  const log = new ShopLog();
  for (let id = 1; id <= 12; id++)
    log
      .paid({ id, user: ["ann", "bob", "cid"][id % 3]!, vendor: `v${id}` })
      .paid({ id, user: ["ann", "cid", "bob"][id % 3]!, vendor: `w${id}` });
  log.deletePayment(3);
  const shops = [await openShop(), await openShop()] as const;
  const [receipt, reference] = await Promise.all(
    shops.map(async (shop, i) => {
      await shop.store.run(log.source());
      const erased = erasedEntities(entity, [["ann"], ["bob"]]);
      const belongingIn = (one: typeof source) => belongingTo(one, [["user_id"]], erased);
      return eraseHistory(historyContext(shop.offline, source), belongingIn, {
        dryRun: false,
        ...(i === 0 ? { mostChanges } : {}),
      });
    }),
  );
  expect(receipt).toEqual(reference);
  for (const table of ["payments/changes", "payments/versions"]) {
    const rows = await rowsOf(shops[0], table);
    expect(rows).toEqual(await rowsOf(shops[1], table));
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row).not.toMatch(/ann|bob/);
  }
});
