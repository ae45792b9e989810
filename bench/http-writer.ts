/**
 * Writes changes into an online store that another process serves, at a fixed rate. The program
 * prints how many it has written, until its standard input ends.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "@tidemark/core";
import type { ChangeBatch, ChangeSource } from "@tidemark/core/spi";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { type Transaction, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { NOW } from "./bank.ts";

const [file, rate] = process.argv.slice(2);
const USERS = 4000;
const BATCH = Math.max(1, Math.round(Number(rate) / 20));
process.stdin.resume().on("end", () => process.exit());

const store = await openStore({
  definitions: { weekly },
  online: { store: sqliteOnlineStore(file!), retention: "1d" },
  clock: () => new Date(NOW / 1000),
});
function* rows(): Generator<Transaction> {
  const random = new Random(3);
  for (let id = 1_000_000; ; id++)
    yield {
      id,
      user: userName(random.int(USERS)),
      vendor: "Hospital",
      channel: "Credit Card",
      amount: random.fraction() * 1000,
      time: NOW - random.int(1e9),
    };
}
const endless = transactionSource(rows(), { batch: BATCH, committed: ({ id }) => NOW + id });
const source: ChangeSource = {
  name: endless.name,
  async *changes(...args): AsyncIterable<ChangeBatch> {
    let written = 0;
    for await (const batch of endless.changes(...args)) {
      yield batch;
      written += BATCH;
      console.log(written);
      await sleep(50);
    }
  },
};
await store.run(source);
