/**
 * Compares training sets of Tidemark with those of DuckDB: from the same files of the lake and of
 * labels to a Parquet file, each in a process of its own, in turns.
 *
 *     npm run bench -- labels [--labels n] [--events n] [--users n] [--rounds n] [--fresh]
 */
import { pythonReaders } from "@tidemark/testkit/needs";
import type { Child } from "@tidemark/testkit/child-process";
import { startPython } from "@tidemark/testkit/python-program";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../figures.ts";
import { bankLabels, bankLake, labelCount, type LabelsSize } from "./bank-lake.ts";
import { computed, lastJson, type Measured } from "./computed.ts";

interface Workload {
  readonly users: number;
  readonly events: number;
  readonly updated: number;
  readonly labels:
    | { readonly kind: "random"; readonly labels: number }
    | { readonly kind: "dates"; readonly dates: number };
  readonly view: string;
  readonly knowledge: "as-corrected" | "as-known";
  /** The question of `peers/duckdb_bank.py`. */
  readonly question: string;
  /** DuckDB has a form that is tuned by hand. */
  readonly tuned: boolean;
  /** The greatest ratio of Tidemark's seconds to those of DuckDB's generic form. */
  readonly target: number;
}

const labels: Workload = {
  users: 10_000,
  events: 10_000_000,
  updated: 0,
  labels: { kind: "random", labels: 1_000_000 },
  view: "weekly_activity",
  knowledge: "as-corrected",
  question: "weekly-at-labels",
  tuned: true,
  target: 0.15,
};
const workloads: Readonly<Record<string, Workload>> = {
  labels,
  "labels-sparse": { ...labels, users: 100_000, target: 0.5 },
  "labels-known": { ...labels, updated: 0.05, knowledge: "as-known", target: 0.3 },
  "labels-rich": {
    ...labels,
    labels: { kind: "random", labels: 200_000 },
    view: "rich_activity",
    question: "rich-at-labels",
    tuned: false,
    target: 0.3,
  },
  dates: {
    ...labels,
    labels: { kind: "dates", dates: 30 },
    question: "weekly-at-dates",
    target: 0.3,
  },
  "as-of": {
    ...labels,
    view: "newest_transaction",
    question: "newest-at-labels",
    tuned: false,
    target: 0.7,
  },
};

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    labels: { type: "string" },
    events: { type: "string" },
    users: { type: "string" },
    rounds: { type: "string", default: "3" },
    fresh: { type: "boolean", default: false },
  },
});
const [name = "labels", ...others] = positionals;
if (others.length > 0) {
  console.error(`what is ${others.join(" ")}? Sizes are options, such as --labels 200000`);
  process.exit(2);
}
const defaults = workloads[name]!;
const rounds = Number(given.rounds);
const { view, knowledge, question, target } = defaults;
const lakeSize = {
  users: Number(given.users ?? defaults.users),
  events: Number(given.events ?? defaults.events),
  updated: defaults.updated,
  days: 90,
};
const { users } = lakeSize;
const labelsSize: LabelsSize =
  defaults.labels.kind === "random" && given.labels !== undefined
    ? { kind: "random", labels: Number(given.labels), users }
    : { ...defaults.labels, users };

const python = pythonReaders();
if (python.missing !== null) {
  console.error(python.missing);
  process.exit(2);
}

/** Starts a program of `bench/peers`. */
function startPeer(file: string, args: readonly string[]): Child {
  const path = join(import.meta.dirname, "../peers", file);
  return startPython(python.path, [path, ...args], { env: { PYTHONDONTWRITEBYTECODE: "1" } });
}

const { folder: lake } = await bankLake(lakeSize, given.fresh);
const labelsFile = await bankLabels(lakeSize, labelsSize);
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const outOf = (side: string): string => join(folder, `${side}.parquet`);

const sides: Readonly<Record<string, () => Promise<Measured>>> = {
  tidemark: () => computed({ lake, entities: labelsFile, out: outOf("tidemark"), view, knowledge }),
  duckdb: () => duckdb("duckdb", "generic"),
  ...(defaults.tuned ? { duckdbTuned: () => duckdb("duckdbTuned", "tuned") } : {}),
};

function duckdb(side: string, form: "generic" | "tuned"): Promise<Measured> {
  const args = [lake, labelsFile, outOf(side), question, knowledge, form];
  return lastJson(startPeer("duckdb_training_set.py", args));
}

/** Throws when Tidemark's training set is not that of a form of DuckDB. */
async function compare(side: string): Promise<void> {
  const args = [lake, labelsFile, outOf("tidemark"), outOf(side), knowledge];
  const { rows, columns, sampled, differences } = await lastJson<{
    readonly rows: number;
    readonly columns: number;
    readonly sampled: number;
    readonly differences: readonly string[];
  }>(startPeer("duckdb_compare.py", args));
  if (differences.length > 0) throw new Error(`${side}: ${differences.join("; ")}`);
  const sums = sampled === 0 ? "" : `; ${sampled} sums have the bits of math.fsum`;
  console.log(`${rows} rows equal those of ${side} in ${columns} columns${sums}`);
}

const measured = new Map<string, Measured[]>(Object.keys(sides).map((side) => [side, []]));
try {
  for (let round = 1; round <= rounds; round++)
    for (const [side, compute] of Object.entries(sides)) {
      const one = await compute();
      measured.get(side)!.push(one);
      console.log(
        `round ${round}: ${side} ${one.seconds.toFixed(2)} s, ${one.cpu.toFixed(2)} s of ` +
          `processor time, ${one.peakMiB.toFixed(0)} MiB; load ${loadavg()[0]!.toFixed(1)}`,
      );
    }
  for (const side of Object.keys(sides).slice(1)) await compare(side);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const rounded = (value: number): number => Number(value.toFixed(3));
const figures = (field: keyof Measured): Record<string, number> =>
  Object.fromEntries(
    [...measured].map(([side, list]) => [side, rounded(median(list.map((one) => one[field])))]),
  );
/** The median of the ratios of neighbouring runs. */
const ratio = (field: keyof Measured, side: string): number => {
  const theirs = measured.get(side)!;
  return rounded(median(measured.get("tidemark")!.map((one, i) => one[field] / theirs[i]![field])));
};
const [seconds, cpu, peakMiB] = [figures("seconds"), figures("cpu"), figures("peakMiB")];
for (const side of Object.keys(sides).slice(1))
  console.log(
    `tidemark to ${side}: ${ratio("seconds", side)} of the seconds, ` +
      `${ratio("cpu", side)} of the processor time, ${ratio("peakMiB", side)} of the memory`,
  );
console.log(
  JSON.stringify({
    bench: name,
    labels: labelCount(labelsSize),
    ...lakeSize,
    rounds,
    seconds,
    cpu,
    peakMiB,
    ratio: ratio("seconds", "duckdb"),
    cpuRatio: ratio("cpu", "duckdb"),
    target,
  }),
);
