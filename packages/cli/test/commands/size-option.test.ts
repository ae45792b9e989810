/** Tests that sizes of options are read in their units, and nothing else is. */
import { expect, test } from "vitest";
import { sizeOf, type ParsedOptions } from "../../src/terminal/options.ts";

const given = (text: string | undefined): ParsedOptions => ({
  has: () => text !== undefined,
  text: () => text,
  texts: () => (text === undefined ? [] : [text]),
});

test.for([
  ["512MiB", 512 * 2 ** 20],
  ["2GiB", 2 ** 31],
  ["64kib", 2 ** 16],
] as const)("%s is %d bytes", ([text, bytes]) => {
  expect(sizeOf(given(text), "memory-limit")).toBe(bytes);
});

test("an option that is left out has no size", () => {
  expect(sizeOf(given(undefined), "memory-limit")).toBe(undefined);
});

test.for(["512", "512MB", "-1MiB", "1.5GiB", ""])("%j is refused", (text) => {
  expect(() => sizeOf(given(text), "memory-limit")).toThrow(
    "is no size; write a number and KiB, MiB or GiB, as in 512MiB",
  );
});
