/** Tests the names of partitions, whichever partition was named before. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { partitionKeyOf, partitionOf } from "../../src/rows/snapshot-generations.ts";

test("a partition has one name, whichever was named before", () => {
  const place = fc.record({
    topic: fc.constantFrom("a", "b", "a:1", ""),
    partition: fc.integer({ min: -1, max: 2 }),
    generation: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(place), (places) => {
      for (const one of places) {
        const { topic, partition, generation = 0 } = one;
        expect(partitionOf(one)).toBe(`${topic}:${partition}`);
        expect(partitionKeyOf(one)).toBe(`${generation}/${topic}:${partition}`);
      }
    }),
  );
});
