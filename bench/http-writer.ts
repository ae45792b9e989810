/**
 * Writes changes into an online store that another process serves, at a fixed rate. The program
 * prints how many it has written, until its standard input ends.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openStore } from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource } from "@tidemark/core/spi";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { NOW, random, userName, weekly } from "./bank.ts";

const [file, rate] = process.argv.slice(2);
const USERS = 4000;
const BATCH = Math.max(1, Math.round(Number(rate) / 20));
process.stdin.resume().on("end", () => process.exit());

const store = await openStore({
  definitions: { weekly },
  online: { store: sqliteOnlineStore(file!), retention: "1d" },
  clock: () => new Date(NOW / 1000),
});
const source: ChangeSource = {
  name: "bank",
  async *changes(): AsyncIterable<ChangeBatch> {
    const next = random(3);
    for (let id = 1_000_000; ; id += BATCH) {
      const changes = Array.from({ length: BATCH }, (_, i): Change => ({
        source: "transactions",
        topic: "bank.public.transaction_data",
        partition: 0,
        offset: id + i,
        kind: "upsert",
        oldKey: null,
        unavailable: [],
        invalidColumns: [],
        undecodable: null,
        nonFinite: 0,
        values: [
          BigInt(id + i),
          userName(Math.floor(next() * USERS)),
          "Hospital",
          "Credit Card",
          next() * 1000,
          NOW - Math.floor(next() * 1e9),
        ],
        order: BigInt(1_000_000_000 + (id + i) * 200),
        committed: NOW + id,
        snapshot: false,
        op: "c",
        timestamp: null,
        transaction: null,
        extra: null,
      }));
      yield {
        changes,
        positions: [{ partition: "bank.public.transaction_data:0", offset: id + BATCH - 1 }],
      };
      console.log(id + BATCH - 1_000_000);
      await sleep(50);
    }
  },
};
await store.run(source);
