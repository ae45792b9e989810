/**
 * Compares seeds with segments of four rows and nodes of four references, so that entities of a few
 * rows have a tree: `compare-small-nodes.ts FIRST-SEED SEEDS FAULT`. FAULT is "" or the name of one
 * of `nodeFaults`. The program prints how many answers were compared, and what differed.
 */
import { registerHooks } from "node:module";
import { nodeFaults, withFault, type SourceFault } from "./planted-faults.ts";

const [first, seeds, name] = process.argv.slice(2);
const small: readonly SourceFault[] = [
  {
    name: "segments of four rows",
    file: "online/entity-log-cells.ts",
    find: "SEGMENT_ROWS = 512;",
    replace: "SEGMENT_ROWS = 4;",
  },
  {
    name: "nodes of four references",
    file: "online/nodes/log-tree.ts",
    find: "MOST_REFS = 32;",
    replace: "MOST_REFS = 4;",
  },
];
const changes = [...small, ...nodeFaults.filter((fault) => fault.name === name)];
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const here = changes.filter(({ file }) => url.endsWith(`/packages/core/src/${file}`));
    if (here.length === 0) return loaded;
    const source = here.reduce((text, change) => withFault(change, text), String(loaded.source));
    return { ...loaded, source };
  },
});
const { compareSeeds } = await import("./compare.ts");
const { differenceText } = await import("@tidemark/testkit");

const { coverage, differences } = await compareSeeds({
  firstSeed: Number(first),
  seeds: Number(seeds),
  comparisons: 0,
  realEvery: 10,
  everyAggregation: true,
});
console.log(
  JSON.stringify({
    comparisons: coverage.comparisons,
    differences: differences.slice(0, 10).map(differenceText),
  }),
);
