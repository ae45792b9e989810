/**
 * `npm run bench -- online-read`: runs one benchmark; without a name, lists them. Each benchmark
 * prints both sides and, as its last line, JSON.
 */
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const benchmarks: Readonly<Record<string, string>> = {
  "online-read": "bench/online-read.ts",
  http: "bench/http.ts",
  "online-cells": "packages/adapter-sqlite/bench/online-cells.ts",
  replay: "packages/cli/bench/replay.ts",
  backfill: "packages/cli/bench/backfill.ts",
  append: "bench/append-rate.ts",
  rewrite: "bench/rewrite-versions.ts",
  push: "bench/push-rate.ts",
  stream: "bench/stream-rate.ts",
  freshness: "bench/stream-freshness.ts",
  materialize: "bench/materialize.ts",
};

const [name, ...rest] = process.argv.slice(2);
const file = name === undefined ? undefined : benchmarks[name];
if (file === undefined) {
  console.error(`which benchmark? ${Object.keys(benchmarks).join(", ")}`);
  process.exitCode = 2;
} else {
  const path = join(import.meta.dirname, "..", file);
  process.argv.splice(1, process.argv.length - 1, path, ...rest);
  await import(pathToFileURL(path).href);
}
