/** The count of quarantined rows equals the length of their list, and reads few cells. */
import { openStore } from "@tidemark/core";
import type { OnlineStore } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { NOON, SECOND, ShopLog, date, definitions } from "../support/shop.ts";

test("many quarantined rows are counted without reading them, also after changes", async () => {
  const online = memoryOnlineStore();
  let cells = 0;
  const counting: OnlineStore = {
    ...online,
    async read(keys) {
      cells += keys.length;
      return online.read(keys);
    },
  };
  const store = await openStore({
    definitions,
    online: { store: counting, retention: "forever" },
    clock: () => date(NOON),
  });
  const log = new ShopLog();
  const count = async (): Promise<number> => {
    const [status] = await store.status();
    return status!.online!.quarantinedRows;
  };
  for (let id = 0; id < 3000; id++) log.paid({ id, user: null, time: NOON + id * SECOND });
  await store.run(log.source(), { mismatch: "ignore" });
  cells = 0;
  expect(await count()).toBe(3000);
  expect(cells).toBeLessThan(20);
  // some are repaired, some deleted, some are quarantined again
  for (let id = 0; id < 3000; id += 3) log.paid({ id, time: NOON });
  for (let id = 1; id < 3000; id += 7) log.deletePayment(id);
  for (let id = 0; id < 3000; id += 5) log.paid({ id, user: null, time: NOON });
  await store.run(log.source(), { mismatch: "ignore" });
  expect(await count()).toBe((await store.quarantine("payments")).length);
  expect(await count()).toBeGreaterThan(1000);
  // a truncate hides the rows before it
  log.truncatePayments();
  for (let id = 0; id < 700; id++) log.paid({ id, user: null, time: NOON });
  await store.run(log.source(), { mismatch: "ignore" });
  expect([await count(), (await store.quarantine("payments")).length]).toEqual([700, 700]);
});
