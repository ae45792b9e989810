/** Generates values of a column's type. */
import type { ColumnSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Random } from "./random.ts";

const texts = [
  "",
  "a",
  "A",
  "Hospital",
  "Sport",
  "é",
  "\uE000",
  "\uFFFD",
  "😀",
  "𐀀",
  'quote" \\n',
  "người dùng 😀",
  " ",
  "10",
  "9",
  "null",
];
const floats = [
  0,
  -0,
  0.1,
  0.2,
  0.3,
  1,
  -1,
  3.5,
  1e16,
  -1e16,
  1e-7,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  123456.789,
  9007199254740993,
  0.1 + 0.2,
  1e22,
];
const hugeFloats = [1e308, -1e308, Number.MAX_VALUE, -Number.MAX_VALUE];
const longs = [0n, 1n, -1n, 7n, 42n, 9007199254740992n, 9007199254740993n, -9007199254740993n];
const hugeLongs = [9223372036854775807n, -9223372036854775808n, 9223372036854775806n];

/**
 * Returns about eight values of the column's type, so that rows, conditions and keys share values.
 * Extreme values are rare, because one determines a whole sum.
 */
export function poolOf(random: Random, column: ColumnSpec, base: number): Value[] {
  switch (column.type) {
    case "string":
      return [...random.sample(texts, 7), "\uFFFD", "😀"];
    case "json":
      return ['{"a": [1, 2, {"b": null}]}', "[]", '"x"', "12345678901234567890"];
    case "boolean":
      return [false, true];
    case "int32":
      return [0, 1, -1, 9, 10, 2147483647, -2147483648, random.between(-1000, 1000)];
    case "int64": {
      if (column.mode === "number")
        return [0n, 1n, -5n, 9007199254740991n, BigInt(random.between(-1000, 1000))];
      return [
        ...random.sample(longs, 6),
        ...(random.chance(0.6) ? [...hugeLongs, ...hugeLongs] : []),
        BigInt(random.between(-100000, 100000)),
      ];
    }
    case "float64":
      return [
        0,
        -0,
        0,
        -0,
        ...random.sample(floats, 7),
        ...(random.chance(0.3) ? hugeFloats : []),
        random.fraction() * 1000,
        -random.fraction(),
      ];
    case "decimal": {
      const largest = 10n ** BigInt(column.precision!) - 1n;
      return [
        0n,
        1n,
        -1n,
        10n ** BigInt(column.scale!),
        BigInt(random.between(-99999, 99999)),
        ...(random.chance(0.6) ? [largest, largest, largest - 1n, -largest] : []),
      ];
    }
    case "date":
      return [-1, 0, 1, 20147, -719162, random.between(0, 30000)];
    case "timestamp":
      return [
        base,
        base + 1,
        base - 1,
        0,
        -1,
        1,
        base - random.int(86_400_000_000),
        base + random.int(86_400_000_000),
      ];
    case "bytes":
      return [
        new Uint8Array(0),
        new Uint8Array([0]),
        new Uint8Array([0, 0]),
        new Uint8Array([0xde, 0xad, 0xbe, 0xef]),
        new Uint8Array([0x7f]),
        new Uint8Array([0x80]),
      ];
    default:
      throw new TypeError(`no column is a ${column.type}`);
  }
}
