/** Makes a small bank whose days are materialized while processes die. */
import { openStore, type Store } from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionSource } from "@tidemark/testkit/bank/transactions";
import { keepingStores, realStores, type Failpoints } from "./real-stores.ts";

export const USERS = 130;

export function openBank(folder: string, failpoints?: Failpoints): Promise<Store> {
  return openStore({
    definitions: { weekly },
    ...keepingStores(realStores(folder, failpoints), { buckets: 2 }),
    clock: () => new Date("2025-07-01T00:00:00Z"),
  });
}

/** Makes one transaction of each user on each of these days; `from` is the first id. */
export function transactionsOn(days: readonly string[], from: number): ChangeSource {
  const rows = days.flatMap((day, d) =>
    Array.from({ length: USERS }, (_, u) => {
      const id = from + d * USERS + u;
      return {
        id,
        user: `user ${u}`,
        vendor: `vendor ${id % 3}`,
        channel: null,
        amount: (id % 100) / 10,
        time: Date.parse(`${day}T12:00:00Z`) * 1000 + u,
      };
    }),
  );
  const committed = Date.parse("2025-06-30T00:00:00Z") * 1000;
  return transactionSource(rows, { batch: rows.length, committed: ({ id }) => committed + id });
}
