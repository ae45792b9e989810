/**
 * Compares the cost of a read through the store with a plain get of better-sqlite3. One value has
 * 2,048 bytes; keys are random over files larger than the page caches. Both sides take turns in one
 * process, and the fastest round counts. The last line is JSON.
 *
 *     node --conditions=@tidemark/source packages/adapter-sqlite/bench/online-cells.ts [cells]
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sqliteOnlineStore } from "../src/index.ts";

const CELLS = Number(process.argv[2] ?? 200_000);
const [STEP, READS, ROUNDS, MANY] = [5_000, 20_000, 7, 100];
const directory = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
// As long as Tidemark's keys, and with as long common prefixes.
const keys = Array.from({ length: CELLS }, (_, i) =>
  Buffer.from(
    `\u0001\u0007default\u000fweekly_activity\u0001\u000cuser_${String(i).padStart(7, "0")}`,
  ),
);
let state = 1;
const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const value = Uint8Array.from({ length: 2048 }, () => random() * 256);
const order = keys.map((_, i) => i);
for (let i = order.length - 1; i > 0; i--) {
  const j = Math.floor(random() * (i + 1));
  [order[i], order[j]] = [order[j]!, order[i]!];
}

const files = {
  bare: join(directory, "bare.db"),
  tuned: join(directory, "tuned.db"),
  store: join(directory, "store.db"),
};
const pragmas =
  "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = full; " +
  "PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824";

function bare(
  file: string,
  settings: string,
): { readonly database: Database.Database; apply(): number } {
  const database = new Database(file);
  database.exec(`${settings}; CREATE TABLE cells (key BLOB PRIMARY KEY, value BLOB)`);
  const upsert = database.prepare(
    "INSERT INTO cells VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  return {
    database,
    apply: () =>
      rate(() => {
        for (const step of steps())
          database.transaction(() => {
            for (const i of step) upsert.run(keys[i], value);
          })();
      }),
  };
}

function* steps(): Generator<number[]> {
  for (let i = 0; i < CELLS; i += STEP) yield order.slice(i, i + STEP).sort((a, b) => a - b);
}

function rate(run: () => void): number {
  const start = performance.now();
  run();
  return Math.round((CELLS / (performance.now() - start)) * 1000);
}

async function apply(): Promise<number> {
  const start = performance.now();
  for (const step of steps()) {
    const cells = await store.read(step.map((i) => keys[i]!));
    const written = await store.write({
      source: "s",
      cells: step.map((i, j) => ({
        key: keys[i]!,
        value,
        expected: cells[j]?.version ?? null,
        expires: null,
      })),
      positions: [],
    });
    if (written !== "done") throw new Error("conflict");
  }
  return Math.round((CELLS / (performance.now() - start)) * 1000);
}

const plain = bare(files.bare, "PRAGMA journal_mode = WAL; PRAGMA synchronous = full");
const tuned = bare(files.tuned, pragmas);
const store = sqliteOnlineStore(files.store);
await store.open({ namespace: "default" });
for (const pass of ["insert", "update"]) {
  // SQLite writes nothing if an update changes no byte.
  value.fill(pass.length + pass.charCodeAt(0), 0, 8);
  console.log(
    `${pass}, cells/s in steps of ${STEP}: bare ${plain.apply()} · bare, ` +
      `our pragmas ${tuned.apply()} · store, which reads first and compares ${await apply()}`,
  );
}
console.log(
  `files, MB: ${Object.values(files)
    .map((file) => Math.round(statSync(file).size / 1e6))
    .join(" · ")}`,
);

const asked = Array.from({ length: READS }, () => keys[Math.floor(random() * CELLS)]!);
const gets = [plain, tuned].map(({ database }) =>
  database.prepare<[Uint8Array], { value: Buffer }>("SELECT value FROM cells WHERE key = ?"),
);
const loops = gets.map((get) => async () => {
  for (const key of asked) if (get.get(key)!.value.length !== 2048) throw new Error("not there");
});
const single = async (): Promise<void> => {
  for (const key of asked)
    if ((await store.read([key]))[0]!.value.length !== 2048) throw new Error("not there");
};
const many = async (): Promise<void> => {
  for (let i = 0; i < READS; i += MANY)
    if ((await store.read(asked.slice(i, i + MANY))).some((cell) => cell === null))
      throw new Error("not there");
};
const sides = { bare: loops[0]!, tuned: loops[1]!, single, many };
const best: Record<string, number> = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(sides)) {
    const start = performance.now();
    await run();
    best[name] = Math.min(best[name] ?? Infinity, ((performance.now() - start) / READS) * 1000);
  }
}
const µs = (name: string): string => `${best[name]!.toFixed(2)} µs`;
const ratio = (name: string): number => Number((best[name]! / best["bare"]!).toFixed(2));
console.log(
  `one cell: bare get ${µs("bare")} · with our pragmas ${µs("tuned")} · read ` +
    `of one ${µs("single")} · read of ${MANY}, each ${µs("many")}`,
);
await store.close();
plain.database.close();
tuned.database.close();
rmSync(directory, { recursive: true });
console.log(
  JSON.stringify({
    bench: "online-cells",
    cells: CELLS,
    ratio: ratio("single"),
    ratio100: ratio("many"),
  }),
);
