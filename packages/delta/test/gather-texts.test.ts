import { expect, test } from "vitest";
import { gatherRanges } from "../src/parquet/gather-ranges.ts";
import { Random } from "@tidemark/testkit/generate/random";

test("ranges of one dictionary are joined as ranges with dictionaries of their own", () => {
  const random = new Random(5);
  for (let round = 0; round < 200; round++) {
    const dictionary = Array.from({ length: 1 + random.int(8) }, (_, i) => `text ${i}`);
    const ranges = Array.from({ length: 1 + random.int(4) }, () => {
      const length = 1 + random.int(6);
      const valid = Uint8Array.from({ length }, () => (random.chance(0.8) ? 1 : 0));
      const codes = Int32Array.from(valid, (isThere) =>
        isThere === 1 ? random.int(dictionary.length) : -1,
      );
      const from = random.int(length);
      const vector = { kind: "string" as const, codes, dictionary, valid };
      return { vector, from, to: from + random.int(length - from + 1) };
    });
    const copies = ranges.map(({ vector, from, to }) => ({
      vector: { ...vector, dictionary: [...dictionary] },
      from,
      to,
    }));
    expect(gatherRanges(ranges, "string")).toEqual(gatherRanges(copies, "string"));
  }
});
