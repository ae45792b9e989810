/**
 * Measures how the work of a training set grows with the events: seven weekly features, a label for
 * every ten events, a user for every thousand. Work that grows linearly has the exponent 1.
 *
 *     npm run bench -- growth [events] [events]...
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../figures.ts";
import { bankLabels, bankLake } from "./bank-lake.ts";
import { computed, type Measured } from "./computed.ts";

const ROUNDS = 3;
const sizes = process.argv.slice(2).map(Number);
const measured: (Measured & { readonly events: number })[] = [];
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
try {
  for (const events of sizes.length === 0 ? [1_000_000, 10_000_000] : sizes) {
    const users = Math.ceil(events / 1000);
    const size = { users, events, updated: 0, days: 90 };
    const { folder: lake } = await bankLake(size, false);
    const labels = Math.ceil(events / 10);
    const entities = await bankLabels(size, { kind: "random", labels, users });
    const rounds: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++)
      rounds.push(
        await computed({
          lake,
          entities,
          out: join(folder, "out.parquet"),
          view: "weekly_activity",
          knowledge: "as-corrected",
        }),
      );
    const of = (field: keyof Measured): number =>
      Number(median(rounds.map((round) => round[field])).toFixed(2));
    const one = { events, seconds: of("seconds"), cpu: of("cpu"), peakMiB: of("peakMiB") };
    measured.push(one);
    console.log(
      `${events} events, ${labels} labels: ${one.seconds} s, ${one.cpu} s of processor time, ` +
        `${one.peakMiB.toFixed(0)} MiB`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [least, most] = [measured[0]!, measured.at(-1)!];
const exponent = Math.log(most.cpu / least.cpu) / Math.log(most.events / least.events);
console.log(
  JSON.stringify({
    bench: "growth",
    measured,
    exponent: Number(exponent.toFixed(3)),
    target: 1.05,
  }),
);
