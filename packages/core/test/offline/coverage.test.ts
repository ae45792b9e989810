import { weekly, transactions } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource } from "@tidemark/testkit/bank/transactions";
import { expect, test } from "vitest";
import { localEngine } from "../../src/engine/local-engine.ts";
import { openStore } from "../../src/index.ts";
import { openOfflineReader } from "../../src/offline/offline-reader.ts";
import { specOfSource, type OfflineStore } from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

const END = Date.parse("2025-03-10T00:00:00Z") * 1000;
const LOG = "transactions/changes";

/** A store of ten changes that describes its log, and what was scanned of it. */
async function describingStore(versionsBehind: number) {
  const inner = memoryOfflineStore();
  const filled = await openStore({ definitions: { weekly }, offline: inner });
  await filled.run(transactionSource(transactionRows({ users: 2, events: 10, end: END })));
  const scanned: string[] = [];
  const offline: OfflineStore = {
    ...inner,
    async describe(table) {
      const { version, rows, positions } = (await inner.state(table))!;
      return {
        version: version - versionsBehind,
        rows,
        positions,
        files: 1,
        bytes: 1,
        committedAt: null,
        oldest: 12_345,
        newest: 12_345,
      };
    },
    scan(table, options) {
      scanned.push(table);
      return inner.scan(table, options);
    },
  };
  return { offline, scanned };
}

const source = specOfSource(transactions);

test("where the store describes the log's times, coverage reads none of its rows", async () => {
  const { offline, scanned } = await describingStore(0);
  const coverage = await openOfflineReader(offline, localEngine()).coverage([source]);
  expect(coverage).toEqual(new Map([["transactions", 12_345]]));
  expect(scanned).toEqual([]);
});

test("a description of another version is not used", async () => {
  const { offline, scanned } = await describingStore(1);
  const coverage = await openOfflineReader(offline, localEngine()).coverage([source]);
  expect(coverage).toEqual(new Map([["transactions", END - 604_800_000_000 + 1000]]));
  expect(scanned).toEqual([LOG]);
});
