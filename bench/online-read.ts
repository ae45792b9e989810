/**
 * Measures P1 and P2: seven window features of about 70 events, for one entity and for a hundred.
 * The comparison is as many bare better-sqlite3 gets of a 2,048-byte value. Keys are random over
 * files larger than the page cache. One run has the answer cache (most requests repeat, and nothing
 * is written), another computes each answer. Rounds alternate; the medians are compared.
 */
import { micros, openStore } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import Database from "better-sqlite3";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@tidemark/testkit";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { userName } from "@tidemark/testkit/bank/transactions";
import { bankChanges, NOW } from "./bank.ts";
import { median } from "./figures.ts";

const USERS = 4000;
const EVENTS = USERS * 70;
const ROUNDS = 9;

const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
try {
  const open = (maxBytes?: number) =>
    openStore({
      definitions: { weekly },
      online: {
        store: sqliteOnlineStore(join(folder, "online.db")),
        retention: "1d",
        answerCache: { maxBytes },
      },
      clock: () => new Date(NOW / 1000),
    });
  const writer = await open();
  const began = performance.now();
  await writer.run(bankChanges(USERS, EVENTS));
  await writer.close();
  const stores = { computed: await open(0), kept: await open() };
  console.log(
    `${EVENTS} changes applied in ${((performance.now() - began) / 1000).toFixed(1)} s; ` +
      `online.db is ${(statSync(join(folder, "online.db")).size / 2 ** 20).toFixed(0)} MiB`,
  );

  const bare = new Database(join(folder, "bare.db"));
  bare.pragma("journal_mode = WAL");
  bare.exec("CREATE TABLE cells (key TEXT PRIMARY KEY, value BLOB)");
  const insert = bare.prepare("INSERT INTO cells VALUES (?, ?)");
  bare.transaction(() => {
    for (let n = 0; n < USERS * 4; n++) insert.run(userName(n), Buffer.alloc(2048, n));
  })();
  const get = bare.prepare("SELECT value FROM cells WHERE key = ?");

  const ratios: Record<string, number> = {};
  for (const [name, entities, calls] of [
    ["P1", 1, 3000],
    ["P2", 100, 60],
  ] as const) {
    const random = new Random(11);
    const ours: Record<keyof typeof stores, number[]> = { computed: [], kept: [] };
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const asked = Array.from({ length: calls }, () =>
        Array.from({ length: entities }, () => ({ user_id: userName(random.int(USERS)) })),
      );
      for (const way of ["computed", "kept"] as const) {
        const start = performance.now();
        for (const entity of asked)
          await stores[way].getOnlineFeatures({
            features: weekly,
            entities: entity,
            asOf: micros(NOW),
          });
        ours[way].push(((performance.now() - start) / calls) * 1000);
      }
      const keys = asked.map((list) => list.map(() => userName(random.int(USERS * 4))));
      const start = performance.now();
      for (const list of keys) for (const key of list) get.get(key);
      theirs.push(((performance.now() - start) / calls) * 1000);
    }
    const [computed, kept, bare] = [median(ours.computed), median(ours.kept), median(theirs)];
    ratios[name] = Number((computed / bare).toFixed(2));
    ratios[`${name} kept`] = Number((kept / bare).toFixed(2));
    console.log(
      `${name}: ${entities} × 7 features ${computed.toFixed(1)} µs computed, ` +
        `${kept.toFixed(1)} µs where most were asked before; ` +
        `${entities} bare gets ${bare.toFixed(1)} µs`,
    );
  }
  bare.close();
  for (const store of Object.values(stores)) await store.close();
  console.log(
    JSON.stringify({ bench: "online-read", ratio: ratios, target: { P1: 1.4, P2: 1.4 } }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
