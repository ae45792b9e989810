import { expect, test } from "vitest";
import {
  agoText,
  numberText,
  rowText,
  secondsText,
  shortTime,
  valueText,
} from "../../app/parts/texts.ts";

test.each([
  [0, "0 s"],
  [59, "59 s"],
  [90, "1.5 min"],
  [7200, "2 h"],
  [86_400 * 3, "3 d"],
])("%d seconds are %s", (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

test("a time is ago or ahead", () => {
  const now = Date.parse("2025-06-14T12:00:00Z");
  expect(agoText("2025-06-14T11:59:30Z", now)).toBe("30 s ago");
  expect(agoText("2025-06-14T13:00:00Z", now)).toBe("in 1 h");
});

test("a time keeps the digits that it has", () => {
  expect(shortTime("2025-06-14T12:00:00.000000Z")).toBe("2025-06-14 12:00:00Z");
  expect(shortTime("2025-06-14T12:00:00.120000Z")).toBe("2025-06-14 12:00:00.12Z");
  expect(shortTime("2025-06-14T12:00:00.000001Z")).toBe("2025-06-14 12:00:00.000001Z");
});

test("numbers have four digits, and whole numbers all of them", () => {
  expect(numberText(12_345_678)).toBe("12,345,678");
  expect(numberText(0.123456)).toBe("0.1235");
  expect(numberText(1234.56)).toBe("1235");
});

test("a value loses no digit", () => {
  expect(valueText("9007199254740993")).toBe("9007199254740993");
  expect(valueText(12184.289999999999)).toBe("12184.289999999999");
  expect(valueText(null)).toBe("null");
  expect(rowText({ id: "4711", tags: ["a", "b"] })).toBe('id 4711, tags ["a","b"]');
});
