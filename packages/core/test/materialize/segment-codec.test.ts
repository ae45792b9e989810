import { expect, test } from "vitest";
import { batchOf } from "../../src/columns/batch.ts";
import { segmentEncoder, segmentsFor, rowOfSegment } from "../../src/materialize/segment-codec.ts";
import { hashText } from "../../src/materialize/view-fingerprint.ts";
import type { ColumnSpec, ValueType, Value } from "../../src/specs.ts";
import { Random } from "@tidemark/testkit/generate/random";

const column = (kind: ValueType, scale?: number): ColumnSpec => ({
  name: `a_${kind}`,
  database: "",
  type: kind,
  nullable: true,
  ...(scale === undefined ? {} : { precision: 38, scale }),
});
const columns = [
  column("string"),
  column("boolean"),
  column("int32"),
  column("int64"),
  column("float64"),
  column("decimal", 4),
  column("timestamp"),
  column("date"),
  column("bytes"),
  column("json"),
];

function encode(keys: readonly string[], rows: readonly (readonly Value[])[]): Uint8Array {
  return segmentEncoder({
    hashes: Uint32Array.from(keys, (key) => hashText(key)),
    text: (row) => keys[row]!,
    columns,
    vectors: batchOf(columns, rows).vectors,
  })(0, keys.length);
}

test("the bytes of a segment of format 1 are pinned", () => {
  const bytes = encode(
    ["user_000066", "é"],
    [
      [
        "Hospital",
        true,
        -7,
        9_007_199_254_740_993n,
        0.1,
        -123_456n,
        1_741_600_000_000_001,
        20_000,
        new Uint8Array([1, 2]),
        '{"a":1}',
      ],
      [null, null, null, null, null, null, null, null, null, null],
    ],
  );
  // prettier-ignore
  expect(Buffer.from(bytes).toString("hex")).toMatchInlineSnapshot(
    `"01023b713873ef0b6d140b757365725f30303030363602c3a901010008486f73706974616c000101000100010100f9ffffff00000000010100010000000000200000000000000000000101009a9999999999b93f0000000000000000010100072d3132333435360001010004005d65e7bf18430000000000000000010100204e00000000000001010002010200010100077b2261223a317d00"`,
  );
  expect([hashText("user_000066"), hashText("é"), hashText("")]).toMatchInlineSnapshot(`
    [
      1933078843,
      342690799,
      372916599,
    ]
  `);
});

test("a row comes back value by value, and an unknown key gives null", () => {
  const random = new Random(5);
  for (let round = 0; round < 200; round++) {
    const keys = [
      ...new Set(
        Array.from(
          { length: random.between(1, 60) },
          () => random.pick(["k", "user_", "é€😀", "~"]) + String(random.int(1_000_000)),
        ),
      ),
    ];
    const missing = random.pick([0, 0.5, 1]);
    const value = (make: () => Value): Value => (random.chance(missing) ? null : make());
    const rows = keys.map((): Value[] => [
      value(() => random.pick(["", "Hospital", "é€😀".repeat(20)])),
      value(() => random.chance(0.5)),
      value(() => random.int(2 ** 31) * -1),
      value(() => BigInt.asIntN(64, BigInt(random.int(2 ** 31)) ** 3n)),
      value(() => random.pick([0.1, -Number.MAX_VALUE, 5e-324])),
      value(() => -(10n ** 37n) + BigInt(random.int(9))),
      value(() => -random.int(2 ** 31) * 1e6),
      value(() => -random.int(1e6)),
      value(() => new Uint8Array([random.int(256)])),
      value(() => "[]"),
    ]);
    const bytes = encode(keys, rows);
    keys.forEach((key, i) => {
      expect(rowOfSegment(columns, bytes, hashText(key), key)).toEqual(rows[i]);
    });
    expect(rowOfSegment(columns, bytes, hashText("nobody"), "nobody")).toBeNull();
    // another key of the same hash
    expect(rowOfSegment(columns, bytes, hashText(keys[0]!), "nobody")).toBeNull();
  }
});

test("a segment that is cut off or of another format is an error", () => {
  const bytes = encode(
    ["a", "b"],
    [
      ["x", true, 1, 1n, 1, 1n, 1, 1, new Uint8Array([1]), "1"],
      ["y", null, 2, 2n, 2, 2n, 2, 2, new Uint8Array([2]), "2"],
    ],
  );
  for (let length = 0; length < bytes.length; length++)
    expect(() => rowOfSegment(columns, bytes.subarray(0, length), hashText("b"), "b")).toThrow(
      expect.objectContaining({ code: "STATE_DAMAGED" }),
    );
  const newer = bytes.slice();
  newer[0] = 2;
  expect(() => rowOfSegment(columns, newer, hashText("b"), "b")).toThrow(
    expect.objectContaining({ code: "STATE_NEWER_FORMAT" }),
  );
});

test("segments are a power of two, each with 24 to 48 rows on average", () => {
  expect([0, 1, 48, 49, 96, 97, 500_000].map(segmentsFor)).toEqual([1, 1, 1, 2, 2, 4, 16_384]);
});
