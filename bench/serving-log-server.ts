/**
 * Starts the servers of `serving-log.ts` in one process: one without a serving log, and one for
 * each sample. The program prints their ports. For each line of its standard input, which names a
 * server, it commits the rows that wait if they fill a commit or the line says so, and prints its
 * CPU time. The program ends with its input.
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openStore, type Store } from "@tidemark/core";
import { featureServer } from "@tidemark/server";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { NOW } from "./bank.ts";

/** The rows of a commit, as a server commits them by default. */
const COMMIT_ROWS = 20_000;

const [folder, ...samples] = process.argv.slice(2);
const definitions = { weekly };
const stores: Store[] = [];
const ports: string[] = [];
for (const sample of [undefined, ...samples]) {
  // commits are made between the measurements of two servers only
  const servingLog = { sample: Number(sample), commit: { rows: 1e6, age: "1h" as const } };
  const store = await openStore({
    definitions,
    online: {
      store: sqliteOnlineStore(join(folder!, "online.db"), { readOnly: true }),
      retention: "1d",
      answerCache: { maxBytes: 0 },
    },
    offline: deltaOfflineStore(localObjects(join(folder!, `lake ${sample}`))),
    ...(sample === undefined ? {} : { servingLog }),
    clock: () => new Date(NOW / 1000),
  });
  stores.push(store);
  const server = await featureServer({ store, definitions });
  ports.push(new URL(await server.listen({ port: 0 })).port);
}
console.log(`ports ${ports.join(" ")}`);

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [server, now] = line.split(" ");
    void report(stores[Number(server)]!, now === "flush");
  })
  .on("close", () => process.exit());

async function report({ servingLog }: Store, isFlushed: boolean): Promise<void> {
  if (isFlushed || (servingLog?.status().queuedRows ?? 0) >= COMMIT_ROWS) await servingLog?.flush();
  const { user, system } = process.cpuUsage();
  const { written = 0, lost = null } = servingLog?.status() ?? {};
  console.log(`used ${JSON.stringify({ micros: user + system, written, lost })}`);
}
