import { expect, test } from "vitest";
import { isTidemarkError } from "../../src/errors.ts";
import { decodeJson, encodeJson } from "../../src/online/json-cell.ts";

test("a value comes back from its cell; every prefix of the cell is STATE_DAMAGED", () => {
  const bytes = encodeJson({ horizon: null, held: ["é", "😀"] });
  expect(decodeJson(bytes)).toEqual({ horizon: null, held: ["é", "😀"] });
  for (let end = 0; end < bytes.length; end++) {
    let thrown: unknown;
    try {
      decodeJson(bytes.subarray(0, end));
    } catch (error) {
      thrown = error;
    }
    expect(isTidemarkError(thrown, "STATE_DAMAGED")).toBe(true);
  }
});
