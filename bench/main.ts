/**
 * `npm run bench -- online-read`: runs one benchmark; without a name, lists them. Each benchmark
 * prints both sides and, as its last line, JSON.
 */
import { pathToFileURL } from "node:url";
import { join } from "node:path";

/** The program of each benchmark, and the arguments before those of the command line. */
const benchmarks: Readonly<Record<string, string>> = {
  "online-read": "bench/online-read.ts",
  http: "bench/http.ts",
  "hot-entity": "bench/hot-entity.ts",
  "serving-log": "bench/serving-log.ts",
  observed: "bench/observed.ts",
  "online-cells": "packages/adapter-sqlite/bench/online-cells.ts",
  "online-postgres": "bench/online-postgres.ts",
  replay: "packages/cli/bench/replay.ts",
  backfill: "packages/cli/bench/backfill.ts",
  append: "bench/append-rate.ts",
  rewrite: "bench/rewrite-versions.ts",
  push: "bench/push-rate.ts",
  stream: "bench/stream-rate.ts",
  freshness: "bench/stream-freshness.ts",
  materialize: "bench/materialize.ts",
  labels: "bench/training-sets/main.ts labels",
  "labels-sparse": "bench/training-sets/main.ts labels-sparse",
  "labels-known": "bench/training-sets/main.ts labels-known",
  "labels-rich": "bench/training-sets/main.ts labels-rich",
  "as-of": "bench/training-sets/main.ts as-of",
  dates: "bench/training-sets/main.ts dates",
  prune: "bench/training-sets/prune.ts",
  shards: "bench/shards/main.ts",
  memory: "bench/memory.ts",
  spark: "bench/spark/main.ts",
  growth: "bench/training-sets/growth.ts",
  "write-amplification": "bench/training-sets/write-amplification.ts",
};

const [name, ...rest] = process.argv.slice(2);
const [file, ...leading] = (benchmarks[name ?? ""] ?? "").split(" ");
if (file === "") {
  console.error(`which benchmark? ${Object.keys(benchmarks).join(", ")}`);
  process.exitCode = 2;
} else {
  const path = join(import.meta.dirname, "..", file!);
  process.argv.splice(1, process.argv.length - 1, path, ...leading, ...rest);
  await import(pathToFileURL(path).href);
}
