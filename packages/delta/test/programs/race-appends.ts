/**
 * Commits a row several times to the table `race`: without positions, or each at the next offset
 * that all writers share.
 */
import { batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";

const [directory, writer, commits, shared] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];
const store = deltaOfflineStore(localObjects(directory), { checkpointEvery: 20 });
const columns = [
  { name: "writer", database: "writer", type: "string", nullable: false },
  { name: "n", database: "n", type: "int64", nullable: false },
] as const;
let conflicts = 0;
for (let done = 0; done < Number(commits);) {
  const at =
    shared === "shared" ? ((await store.state("race"))?.positions[0]?.offset ?? null) : null;
  const next = at === null ? 0 : at + 1;
  const row = [writer, BigInt(shared === "shared" ? next : done)];
  const answer = await store.append(
    { name: "race", columns, partitionBy: [] },
    [batchOf(columns, [row])],
    { positions: shared === "shared" ? [{ partition: "log:0", expected: at, next }] : [] },
  );
  if (answer === "done") done++;
  else conflicts++;
}
console.log(conflicts);
