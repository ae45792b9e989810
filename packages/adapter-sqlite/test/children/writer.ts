/**
 * Counts in a store until the process is killed or has done its steps: `writer.ts FILE PARTITION
 * STEPS CELLS [FAILPOINT:AT]`. A step adds one to each of CELLS shared counters, and moves the
 * partition's position. The program prints `step N` after each commit.
 */
import { writeSync } from "node:fs";
import { sqliteOnlineStore } from "../../src/index.ts";

const [file, partition, steps, cells, fail] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const [failAt, failStep] = fail === undefined ? [] : fail.split(":");
let offset = -1;
const store = sqliteOnlineStore(file, {
  busyTimeout: "1m",
  failpoint: (name) => {
    if (name === failAt && offset + 1 === Number(failStep)) process.kill(process.pid, "SIGKILL");
  },
});
await store.open({ namespace: "test" });
const text = new TextEncoder();
const keys = Array.from({ length: Number(cells) }, (_, i) => text.encode(`counter ${i}`));
offset = (await store.positions("s")).find((at) => at.partition === partition)?.offset ?? -1;
writeSync(1, `open ${offset}\n`);
while (offset + 1 < Number(steps)) {
  const there = await store.read(keys);
  const result = await store.write({
    source: "s",
    cells: keys.map((key, i) => {
      const cell = there[i]!;
      const count =
        cell === null ? 0 : Number(new TextDecoder().decode(cell.value.subarray(0, 12)));
      return {
        key,
        value: text.encode(String(count + 1).padEnd(500 + (i % 7) * 1000)),
        expected: cell?.version ?? null,
        expires: null,
      };
    }),
    positions: [{ partition, expected: offset === -1 ? null : offset, next: offset + 1 }],
  });
  if (result === "conflict") continue;
  offset++;
  writeSync(1, `step ${offset}\n`);
}
await store.close();
