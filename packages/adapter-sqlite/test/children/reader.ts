/**
 * Reads beside a writer: `reader.ts FILE CELLS`. The program fails if one read sees two counts. It
 * ends when the counters stop at a count over 0.
 */
import { sqliteOnlineStore } from "../../src/index.ts";

const [file, cells] = process.argv.slice(2) as [string, string];
const store = sqliteOnlineStore(file, { readOnly: true });
await store.open({ namespace: "test" });
const keys = Array.from({ length: Number(cells) }, (_, i) =>
  new TextEncoder().encode(`counter ${i}`),
);
const seen = new Set<number>();
let [still, last] = [Date.now(), -1];
while (Date.now() - still < 1500) {
  const counts = new Set(
    (await store.read(keys)).map((cell) =>
      cell === null ? 0 : Number(new TextDecoder().decode(cell.value.subarray(0, 12))),
    ),
  );
  if (counts.size !== 1) throw new Error(`one read saw ${[...counts].join(", ")}`);
  const [count] = counts as Set<number>;
  seen.add(count!);
  if (count !== last || count === 0) [still, last] = [Date.now(), count!];
}
await store.close();
console.log(JSON.stringify({ seen: seen.size, last }));
