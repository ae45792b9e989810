/**
 * Measures the rewrite of the versions of a history (Delta in a directory) under a column of
 * another type: time, processor time and peak memory, each in a process of its own.
 *
 *     npm run bench -- rewrite [changes] [changes]...
 */
import { featureView, float64, openStore, source, string, sum, count } from "@tidemark/core";
import type { Store } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { transactionColumns, user } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource } from "@tidemark/testkit/bank/transactions";
import { startProgram } from "@tidemark/testkit/child-process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const END = Date.parse("2025-03-10T00:00:00Z") * 1000;
const USERS = 2_000;

const table = { table: "public.transaction_data", primaryKey: ["id"], eventTime: "time" } as const;
const former = source("transactions", {
  ...table,
  columns: { ...transactionColumns, amount: string("Amount").nullable() },
});
const next = source("transactions", {
  ...table,
  columns: { ...transactionColumns, amount: float64("Amount").nullable() },
});
const definitions = {
  former: {
    weekly: featureView("weekly", {
      entity: user,
      source: former,
      features: { n: count(former.amount).over("7d") },
    }),
  },
  next: {
    weekly: featureView("weekly", {
      entity: user,
      source: next,
      features: { total: sum(next.amount).over("7d") },
    }),
  },
};

const open = (folder: string, of: keyof typeof definitions): Promise<Store> =>
  openStore({
    definitions: definitions[of],
    offline: deltaOfflineStore(localObjects(folder)),
    onDefinitionMismatch: "ignore",
  });

/** Makes a history of so many changes, whose few versions are those of the former definition. */
async function makeHistory(folder: string, changes: number): Promise<void> {
  const first = await open(folder, "former");
  await first.apply();
  await first.run(transactionSource([]));
  const rows = transactionRows({ users: USERS, events: changes, end: END });
  const text = transactionSource(Array.from({ length: 1_000 }, () => rows.next().value!));
  await first.run({
    name: text.name,
    async *changes(...given) {
      for await (const batch of text.changes(...given))
        yield {
          ...batch,
          changes: batch.changes.map((change) => ({
            ...change,
            values: change.values!.map((value, i) => (i === 4 ? String(value) : value)),
          })),
        };
    },
  });
  await first.close();
  // the applied definition is the former one, so this run leaves the versions as they are
  const second = await open(folder, "next");
  await second.run(transactionSource(rows));
  await second.close();
}

/** Rewrites, and prints what it took. */
async function measure(folder: string): Promise<void> {
  const store = await open(folder, "next");
  const { work } = await store.plan();
  const used = process.cpuUsage();
  const began = performance.now();
  const { rewritten } = await store.apply({ allowDestructive: true });
  const { user: ofUser, system } = process.cpuUsage(used);
  await store.close();
  console.log(
    JSON.stringify({
      changes: rewritten[0]!.total,
      planned: work[0]!.rewrite!.seconds,
      seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
      cpu: Number(((ofUser + system) / 1e6).toFixed(1)),
      // maxRSS is in KiB
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  );
}

const [first, folder] = process.argv.slice(2);
if (first === "measure") await measure(folder!);
else {
  const sizes = process.argv.slice(2).map(Number);
  const measured: unknown[] = [];
  for (const changes of sizes.length === 0 ? [250_000, 3_000_000] : sizes) {
    const own = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
    try {
      await makeHistory(own, changes);
      const child = startProgram(process.execPath, [
        "--conditions=@tidemark/source",
        import.meta.filename,
        "measure",
        own,
      ]);
      const { stdout } = await child.succeeded();
      console.log(stdout.trim());
      measured.push(JSON.parse(stdout.trim()));
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  }
  console.log(JSON.stringify({ bench: "rewrite", measured }));
}
