import { derivedView, div, float64, requestData } from "@tidemark/core";
import { expect, test } from "vitest";
import { selectedFeatures } from "../../src/define/selection.ts";
import { differingBits } from "../../src/skew/differing-bits.ts";
import { explainCommand } from "../../src/skew/explain-command.ts";
import { weekly } from "../support/shop.ts";

test("bits of doubles, integers, truth values and texts", () => {
  expect(differingBits("float64", 1, 1)).toBe(0);
  // 0x3ff0… and 0x4000…
  expect(differingBits("float64", 1, 2)).toBe(11);
  // the last digits are 0x34 and 0x33
  expect(differingBits("float64", 0.1 + 0.2, 0.3)).toBe(3);
  expect(differingBits("float64", null, 0.3)).toBe(64);
  expect(differingBits("int64", 2, 1)).toBe(2);
  expect(differingBits("int64", -1, 0)).toBe(64);
  expect(differingBits("int32", -1, 0)).toBe(32);
  expect(differingBits("int32", null, 0)).toBe(32);
  expect(differingBits("boolean", true, false)).toBe(1);
  expect(differingBits("boolean", null, false)).toBe(1);
  // "a" and "b" are 0x61 and 0x62
  expect(differingBits("string", "a", "b")).toBe(2);
  // a byte that only one text has differs in all of its bits
  expect(differingBits("string", "a", "ab")).toBe(8);
  expect(differingBits("decimal", "1.00", "1.00")).toBe(0);
  expect(differingBits("list", [1, 2], [1, 2])).toBe(0);
});

test("the command has every key and the request data, quoted for a shell", () => {
  const order = requestData("order", { order_amount: float64() });
  const large = derivedView("large", {
    features: { part: div(order.order_amount, weekly.mean_l1w) },
  });
  const [one] = selectedFeatures(large.part);
  expect(
    explainCommand(
      one!,
      { user_id: "ann o'neil", order_amount: "2.5" },
      "2026-03-01T00:00:00.000000Z",
    ),
  ).toBe(
    "tidemark explain large:part --entity 'user_id=ann o'\\''neil' --entity order_amount=2.5 " +
      "--as-of 2026-03-01T00:00:00.000000Z",
  );
});
