/**
 * `npm run laws -- --comparisons 1000000`: compares all paths for the given number of answers.
 * `--every-aggregation` adds a view with aggregations of the whole registry. It is not the default,
 * so that the hash of the answers compares with versions that had fewer aggregations.
 */
import {
  changeKinds,
  differenceText,
  nullKinds,
  windowEdges,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { compareSeeds } from "./compare.ts";

const { values } = parseArgs({
  options: {
    comparisons: { type: "string", default: "1000000" },
    "real-every": { type: "string", default: "2" },
    "every-aggregation": { type: "boolean", default: false },
  },
});
const { first: seed, runs: seeds } = seedsFromEnvironment({ runs: 200, least: 200 });
const digest = createHash("sha256");
let next = 0;
const run = await compareSeeds({
  firstSeed: seed,
  seeds,
  comparisons: Number(values.comparisons),
  realEvery: Number(values["real-every"]),
  everyAggregation: values["every-aggregation"],
  onAnswer: (line) => void digest.update(`${line}\n`),
  onProgress({ seeds: done, comparisons, differences }) {
    if (comparisons < next) return;
    next += 50_000;
    console.log(`${done} seeds, ${comparisons} comparisons, ${differences} differ`);
  },
});
console.log(run.coverage.toText());
for (const difference of run.differences.slice(0, 20)) console.log(differenceText(difference));
const rare = run.coverage.below([...changeKinds, ...windowEdges, ...nullKinds], 1000);
if (rare.length > 0) console.log(`met less than 1,000 times: ${rare.join(", ")}`);
console.log(
  `${run.seeds} seeds, ${run.coverage.comparisons} comparisons, ${run.differences.length} differ`,
);
console.log(`sha256 of all answers: ${digest.digest("hex")}`);
process.exitCode = run.differences.length > 0 || rare.length > 0 ? 1 : 0;
