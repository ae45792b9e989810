/** Bytes as text: the same in Node and in browsers, which have no Buffer. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { fromBase64, toBase64, toHex } from "../../src/bytes/bytes-text.ts";

const cases: readonly (readonly [Uint8Array, string, string])[] = [
  [new Uint8Array(0), "", ""],
  [Uint8Array.of(0), "AA==", "00"],
  [Uint8Array.of(0xfb, 0xff), "+/8=", "fbff"],
  [Uint8Array.of(1, 2, 3), "AQID", "010203"],
];

afterEach(() => vi.unstubAllGlobals());

describe.each([
  ["in Node", false],
  ["in a browser", true],
])("%s", (_where, withoutBuffer) => {
  const prepare = (): unknown => withoutBuffer && vi.stubGlobal("Buffer", undefined);

  test.each(cases)("%j", (bytes, base64, hex) => {
    prepare();
    expect(toBase64(bytes)).toBe(base64);
    expect(toHex(bytes)).toBe(hex);
    expect(fromBase64(base64)).toEqual(bytes);
  });

  test("a part of a larger memory is encoded alone", () => {
    prepare();
    expect(toBase64(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4))).toBe("AQID");
    expect(toHex(Uint8Array.of(9, 1, 2, 9).subarray(1, 3))).toBe("0102");
  });

  test("a megabyte comes back", () => {
    prepare();
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) % 256);
    const back = fromBase64(toBase64(bytes))!;
    expect(back.length).toBe(bytes.length);
    expect(back.every((byte, i) => byte === bytes[i])).toBe(true);
  });

  test.each(["A", "AQI", "AQ=A", "A===", "AQ I", "_-8=", "é==="])("%j is no base64", (text) => {
    prepare();
    expect(fromBase64(text)).toBeNull();
  });
});
