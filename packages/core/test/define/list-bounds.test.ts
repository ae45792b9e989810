/** Bounds of lists and maps are refused when the feature is defined, and said by name. */
import {
  bottomK,
  cast,
  distinctValues,
  firstN,
  float64,
  histogram,
  int64,
  json,
  jsonPath,
  lastN,
  list,
  mostFrequent,
  quantiles,
  source,
  string,
  timestamp,
  toJson,
  topK,
  vectorAvg,
  vectorSum,
} from "@tidemark/core";
import { expect, test } from "vitest";
import { mapOfPairs } from "../../src/types/nested/pair-maps.ts";

const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64(), vendor: string(), amount: float64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const prices = jsonPath(cast(payments.vendor, json()), "$", list(float64()));
const count = (k: unknown): number => k as number;

test.each([
  [
    () => topK(payments.amount, count(0)),
    "topK(): k must be a whole number from 1 to 1,000, got 0",
  ],
  [
    () => bottomK(payments.amount, count(1001)),
    "bottomK(): k must be a whole number from 1 to 1,000",
  ],
  [() => mostFrequent(payments.vendor, count(2.5)), "mostFrequent(): k must be a whole number"],
  [() => mostFrequent(payments.vendor, count("3")), "mostFrequent(): k must be a whole number"],
  [
    () => vectorSum(prices, count(0)),
    "vectorSum(): length must be a whole number from 1 to 1,000, got 0",
  ],
  [() => vectorAvg(prices, count(1001)), "vectorAvg(): length must be a whole number"],
  [
    () => distinctValues(payments.vendor, { atMost: count(undefined) }),
    "distinctValues(): atMost must be a whole number from 1 to 1,000",
  ],
  [
    () => topK(payments.amount, 3, { distinct: "yes" as unknown as boolean }),
    "topK(): distinct must be true or false",
  ],
  [
    () => topK(payments.amount, 3, { distinkt: true } as object),
    'topK(): there is no option "distinkt"; the options are distinct',
  ],
  [() => lastN(payments.vendor, count(-1)), "lastN(): n must be a whole number from 1 to 1,000"],
  [() => firstN(payments.vendor, count(1e9)), "firstN(): n must be a whole number"],
  [
    () => quantiles(payments.amount, []),
    "quantiles(): q must be a list of 1 to 1,000 numbers, each a number from 0 to 1",
  ],
  [() => quantiles(payments.amount, [0.5, 2]), "quantiles(): q must be a list"],
  [() => quantiles(payments.amount, 0.5 as unknown as number[]), "quantiles(): q must be a list"],
])("%s", (define, message) => {
  expect(define).toThrow(
    expect.objectContaining({
      code: "DEFINITION_INVALID",
      message: expect.stringContaining(message) as string,
    }) as Error,
  );
});

test("a histogram of doubles is refused, and the way out is said", () => {
  expect(() => histogram(payments.amount as never)).toThrow(
    expect.objectContaining({
      code: "TYPE_MISMATCH",
      message:
        "histogram(payments.amount): amount is a float64 column, and counts need exact values; " +
        "put it into ranges with binOf(...)",
    }) as Error,
  );
});

test("the JSON of a map is an object if its keys are text, else pairs", () => {
  expect(toJson(new Map([["__proto__", 1n]]))).toEqual(JSON.parse('{"__proto__":"1"}'));
  expect(toJson(new Map([[2n, new Map([[true, 1]])]]))).toEqual([["2", [[true, 1]]]]);
  expect(toJson({ counts: new Map<string, number>() })).toEqual({ counts: {} });
  expect(toJson({ counts: mapOfPairs(new Map<string, number>()) })).toEqual({ counts: [] });
  expect(toJson(mapOfPairs(new Map([["1.50", 2]])))).toEqual([["1.50", 2]]);
});
