import { expect, expectTypeOf, test } from "vitest";
import { type ErrorCode, TidemarkError, isRetryable, isTidemarkError } from "@tidemark/core";

const thrown = (code: ErrorCode): unknown => new TidemarkError(code, "who: what; the next step");

test("an error has its code, and the address of its row on the page of errors", () => {
  expect(new TidemarkError("LOG_LOST", "who: what")).toMatchObject({
    code: "LOG_LOST",
    docs: "https://tidemark-features.github.io/tidemark/errors#log_lost",
    retryable: false,
  });
});

test("isTidemarkError narrows the code to the literal", () => {
  const error = thrown("ASOF_BEFORE_HORIZON");
  expect(isTidemarkError(error, "LOG_LOST")).toBe(false);
  if (!isTidemarkError(error, "ASOF_BEFORE_HORIZON")) throw error;
  expectTypeOf(error.code).toEqualTypeOf<"ASOF_BEFORE_HORIZON">();
});

test("an adapter's own code is named as the type parameter", () => {
  const docs = "https://example.com/full";
  const error: unknown = new TidemarkError<"MY_FULL">("MY_FULL", "full", { docs, retryable: true });
  expect(isRetryable(error)).toBe(true);
  if (!isTidemarkError<"MY_FULL">(error, "MY_FULL")) throw error;
  expectTypeOf(error.code).toEqualTypeOf<"MY_FULL">();
  expect(error.docs).toBe(docs);
});

test("a code that is misspelt is an error of types", () => {
  // @ts-expect-error LOG_LOSS is no code
  expect(new TidemarkError("LOG_LOSS", "").code).toBe("LOG_LOSS");
  // @ts-expect-error LOG_LOSS is no code
  expect(isTidemarkError(thrown("LOG_LOST"), "LOG_LOSS")).toBe(false);
});
