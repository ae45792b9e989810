/**
 * Materializes seven weekly features of 500,000 users from a Delta history to the features table
 * and to SQLite. The comparison is Feast's `materialize`, which copies as many rows of precomputed
 * features from a Parquet file to SQLite. Feast's rows are those that Tidemark wrote.
 *
 *     npm run bench -- materialize [users] [events of each] [rounds]
 */
import { openStore } from "@tidemark/core";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import type { ChangeSource } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { transactionRows, transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import { startProgram } from "@tidemark/testkit/child-process";
import { median } from "./figures.ts";

const [users = 500_000, each = 1, rounds = 3] = process.argv.slice(2).map(Number);
const DATE = "2025-03-09";
const END = Date.parse("2025-03-10T00:00:00Z") * 1000;
const python = join(import.meta.dirname, "../.tidemark/feast/bin/python");
if (!existsSync(python)) {
  console.error("Feast is not there: npm run setup:python -- feast");
  process.exit(2);
}

/**
 * Makes `each` transactions of every user within the week before the day's end. The order of the
 * users changes with each round.
 */
function transactionsOfAll(): ChangeSource {
  const userOf = (id: number): number => (id * 7919) % users;
  const rows = transactionRows({ users, events: users * each, end: END, userOf });
  return transactionSource(rows, { batch: 5000 });
}

const round = (seconds: number): number => Number(seconds.toFixed(3));
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
try {
  const offline = () => deltaOfflineStore(localObjects(join(folder, "lake")));
  const filled = await openStore({ definitions: { weekly }, offline: offline() });
  let began = performance.now();
  await filled.run(transactionsOfAll());
  await filled.close();
  console.log(
    `history of ${users * each} transactions of ${users} users made ` +
      `in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  );

  const ours: number[] = [];
  const theirs: number[] = [];
  const cpu = { tidemark: [] as number[], feast: [] as number[] };
  for (let turn = 0; turn < rounds; turn++) {
    // a new table and a new file each time: the first materialize of a day
    rmSync(join(folder, "lake", "weekly_activity"), { recursive: true, force: true });
    const online = join(folder, `online-${turn}.db`);
    const store = await openStore({
      definitions: { weekly },
      offline: offline(),
      online: sqliteOnlineStore(online),
    });
    began = performance.now();
    const used = process.cpuUsage();
    const {
      views: [done],
    } = await store.materialize({ dates: [DATE] });
    ours.push((performance.now() - began) / 1000);
    const { user, system } = process.cpuUsage(used);
    cpu.tidemark.push((user + system) / 1e6);
    if (done!.dates[0]!.rows !== users || done!.online !== DATE)
      throw new Error(`materialized ${JSON.stringify(done)}`);
    const [row] = await store.getMaterialized({
      view: weekly,
      entities: [{ user_id: userName(users - 1) }],
    });
    const [again] = await (
      await store.getHistoricalFeatures({
        features: weekly,
        entities: [{ user_id: userName(users - 1), event_timestamp: new Date(END / 1000) }],
      })
    ).rows();
    for (const [name, value] of Object.entries(row!))
      if (name !== "event_timestamp" && value !== (again as Record<string, unknown>)[name])
        throw new Error(`${name} is ${String(value)} in the row`);
    await store.close();
    console.log(`round ${turn + 1}: tidemark ${ours.at(-1)!.toFixed(2)} s`);

    const parted = join(folder, "lake", "weekly_activity", "features", `date=${DATE}`);
    const own = join(folder, `feast-${turn}`);
    mkdirSync(own);
    const peer = startProgram(python, [
      join(import.meta.dirname, "peers/feast_materialize.py"),
      own,
      join(
        parted,
        readdirSync(parted).find((name) => name.endsWith(".parquet"))!,
      ),
    ]);
    const { stdout } = await peer.succeeded();
    const feast = JSON.parse(stdout.trim().split("\n").at(-1)!) as {
      readonly rows: number;
      readonly seconds: number;
      readonly cpu: number;
      readonly version: string;
    };
    if (feast.rows !== users) throw new Error(`Feast took ${feast.rows} rows`);
    theirs.push(feast.seconds);
    cpu.feast.push(feast.cpu);
    console.log(`round ${turn + 1}: Feast ${feast.version} ${feast.seconds.toFixed(2)} s`);
    for (const one of readdirSync(folder).filter(
      (name) => name.startsWith("feast-") || name.startsWith("online-"),
    ))
      rmSync(join(folder, one), { recursive: true });
  }
  const [a, b] = [median(ours), median(theirs)];
  console.log(
    `${users} rows × 7 features: tidemark, computed from ${users * each} events, ` +
      `${a.toFixed(2)} s; Feast, computed before, ${b.toFixed(2)} s`,
  );
  console.log(
    JSON.stringify({
      bench: "materialize",
      users,
      each,
      seconds: { tidemark: round(a), feast: round(b) },
      cpu: { tidemark: round(median(cpu.tidemark)), feast: round(median(cpu.feast)) },
      ratio: Number((b / a).toFixed(1)),
      target: 25,
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
