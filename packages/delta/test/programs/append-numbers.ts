/**
 * Appends rows 0 … total − 1 to the table `numbers`, ten in a commit, from its position on. Every
 * tenth commit is followed by optimize. The process kills itself at the `nth` visit of a fail
 * point.
 */
import { batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";

const [directory, total, point, nth] = process.argv.slice(2) as [string, string, string, string];
let left = Number(nth);
const failpoint = (name: string): void => {
  if (name === point && --left === 0) process.kill(process.pid, "SIGKILL");
};
const store = deltaOfflineStore(localObjects(directory, { failpoint }), {
  failpoint,
  checkpointEvery: 5,
});
const columns = [
  { name: "bucket", database: "bucket", type: "int32", nullable: true },
  { name: "id", database: "id", type: "int64", nullable: true },
  { name: "text", database: "text", type: "string", nullable: true },
] as const;
for (;;) {
  const state = await store.state("numbers");
  const at = state?.positions[0]?.offset ?? null;
  const from = at === null ? 0 : at + 1;
  if (from >= Number(total)) break;
  const rows = Array.from({ length: 10 }, (_, i) => [
    (from + i) % 3,
    BigInt(from + i),
    `row ${from + i}`,
  ]);
  await store.append(
    { name: "numbers", columns, partitionBy: ["bucket"] },
    [batchOf(columns, rows)],
    {
      positions: [
        {
          partition: "log:0",
          expected: at,
          next: from + 9,
          checkpoint: { highestOrder: `${from + 9}` },
        },
      ],
    },
  );
  if (from % 100 === 90) await store.optimize("numbers");
}
