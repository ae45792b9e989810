import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { md5 } from "../../src/bytes/md5.ts";

function hex(bytes: Uint8Array): string {
  const state = new Int32Array(4);
  md5(bytes, bytes.length, state);
  return Buffer.from(state.buffer).toString("hex");
}

// The test suite of RFC 1321.
test.each([
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
  [
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "d174ab98d277d9f5a5611c2c9f419d9f",
  ],
  [
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "57edf4a22be3c955ac49da2e2107b67a",
  ],
])("MD5 of %j", (text, digest) => {
  expect(hex(Buffer.from(text))).toBe(digest);
});

test("MD5 of any bytes is that of Node", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(hex(bytes)).toBe(createHash("md5").update(bytes).digest("hex"));
    }),
    { numRuns: 500 },
  );
});
