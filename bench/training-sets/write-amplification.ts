/**
 * Measures how often a row is written to the versions of the history: the rows of all files that
 * the Delta log ever added, per change. The changes are appended to an empty lake; 5 % of the rows
 * are updated later.
 *
 *     npm run bench -- write-amplification [--events n] [--users n]
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bankLake } from "./bank-lake.ts";

const { values: given } = parseArgs({
  options: {
    events: { type: "string", default: "10000000" },
    users: { type: "string", default: "10000" },
  },
});
const [events, users] = [Number(given.events), Number(given.users)];

interface Action {
  readonly add?: { readonly size: number; readonly stats: string };
}

/** Sums the rows and bytes of the files that a table's log ever added. */
function written(table: string): { readonly rows: number; readonly bytes: number } {
  const log = join(table, "_delta_log");
  let rows = 0;
  let bytes = 0;
  for (const name of readdirSync(log).filter((file) => /^\d+\.json$/.test(file)))
    for (const line of readFileSync(join(log, name), "utf8").trim().split("\n")) {
      const { add } = JSON.parse(line) as Action;
      if (add === undefined) continue;
      rows += (JSON.parse(add.stats) as { readonly numRecords: number }).numRecords;
      bytes += add.size;
    }
  return { rows, bytes };
}

const { folder, seconds, cpu } = await bankLake({ users, events, updated: 0.05, days: 90 }, true);
const changes = written(join(folder, "transactions/changes"));
const versions = written(join(folder, "transactions/versions"));
const amplification = versions.rows / changes.rows;
const perChange = (value: number): number => Number((value / changes.rows).toFixed(1));
console.log(
  `${changes.rows} changes: each is written ${amplification.toFixed(2)} times to the versions; ` +
    `${Math.round(changes.rows / cpu)} changes per second of processor time, ` +
    `${Math.round(changes.rows / seconds)} per second`,
);
console.log(
  JSON.stringify({
    bench: "write-amplification",
    changes: changes.rows,
    users,
    versionRows: versions.rows,
    amplification: Number(amplification.toFixed(2)),
    bytes: { changes: perChange(changes.bytes), versions: perChange(versions.bytes) },
    changesPerSecond: Math.round(changes.rows / seconds),
    changesPerCpuSecond: Math.round(changes.rows / cpu),
    target: 3,
  }),
);
