/** Counters in a store. Each step adds one to all of them, and moves a position. */
import type { OnlineStore } from "@tidemark/core/spi";

const text = new TextEncoder();

export const counterKeys = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => text.encode(`counter ${i}`));

export async function readCounters(store: OnlineStore, count: number): Promise<number[]> {
  const cells = await store.read(counterKeys(count));
  return cells.map((cell) =>
    cell === null ? 0 : Number(new TextDecoder().decode(cell.value.subarray(0, 12))),
  );
}

/** Adds one to each counter, as a run does: it reads, and writes over the versions it read. */
export async function countOn(
  store: OnlineStore,
  count: number,
  partition: string,
  offset: number,
): Promise<"done" | "conflict"> {
  const keys = counterKeys(count);
  const there = await store.read(keys);
  return store.write({
    source: "s",
    cells: keys.map((key, i) => {
      const cell = there[i]!;
      const value =
        cell === null ? 0 : Number(new TextDecoder().decode(cell.value.subarray(0, 12)));
      return {
        key,
        value: text.encode(String(value + 1).padEnd(500 + (i % 7) * 1000)),
        expected: cell?.version ?? null,
        expires: null,
      };
    }),
    positions: [{ partition, expected: offset === -1 ? null : offset, next: offset + 1 }],
  });
}

export async function offsetOf(store: OnlineStore, partition: string): Promise<number> {
  const positions = await store.positions("s");
  return positions.find((at) => at.partition === partition)?.offset ?? -1;
}
