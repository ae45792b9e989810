import { expect, test } from "vitest";
import { js, made, type Untyped } from "../define/support/untyped.ts";

const { transactions: t, transfers } = made as Record<string, Untyped>;
const f = js as Record<string, Untyped>;
const tags = (): unknown => f["jsonPath"]!(t!.extra, "$.tags", f["list"]!(f["string"]!()));

// prettier-ignore
const refusals: readonly (readonly [what: string, code: string, says: string, call: () => unknown])[] = [
  ["arithmetic with text", "TYPE_MISMATCH", "add(transactions.vendor): arithmetic takes numbers",
    () => f["add"]!(t!.vendor, 1)],
  ["arithmetic with a word", "VALUE_INVALID", '"much" is no number',
    () => f["mul"]!(t!.amount, "much")],
  ["arithmetic over two sources", "COLUMN_OF_ANOTHER_SOURCE", 'source "transactions", another about "transfers"',
    () => f["add"]!(t!.amount, transfers!.branch)],
  ["a comparison of two types", "TYPE_MISMATCH", "string is compared with float64; cast one",
    () => f["eq"]!(t!.vendor, t!.amount)],
  ["a first value that cannot hold the second", "TYPE_MISMATCH", "the result is int32 as its first value",
    () => f["coalesce"]!(t!.cents, t!.amount)],
  ["branches of several types", "TYPE_MISMATCH", "its values are of several types (string, int64)",
    () => f["caseWhen"]!([f["when"]!(f["eq"]!(t!.vendor, "a"), "low")], 1)],
  ["no branch", "DEFINITION_INVALID", "caseWhen(): list at least one branch",
    () => f["caseWhen"]!([])],
  ["a branch that is none", "DEFINITION_INVALID", "its branches are when(condition, value), got 1",
    () => f["caseWhen"]!([1])],
  ["rounding to part of a digit", "VALUE_INVALID", "digits is a whole number from 0 to 18, got 0.5",
    () => f["round"]!(t!.amount, 0.5)],
  ["another base", "VALUE_INVALID", "the base is 2 or 10, got 3",
    () => f["log"]!(t!.amount, 3)],
  ["edges that fall", "VALUE_INVALID", "its edges must rise",
    () => f["binOf"]!(t!.amount, [10, 1])],
  ["a part before the text", "VALUE_INVALID", "start is a whole number of at least 0, got -1",
    () => f["substring"]!(t!.vendor, -1)],
  ["an empty separator", "VALUE_INVALID", "its separator is empty",
    () => f["splitPart"]!(t!.vendor, "", 0)],
  ["a pattern that ends in a backslash", "VALUE_INVALID", "its pattern ends in a backslash",
    () => f["like"]!(t!.vendor, "a\\")],
  ["a cast of a list", "TYPE_MISMATCH", "a list is not cast; take a part out of it",
    () => f["cast"]!(tags(), f["string"]!())],
  ["the smaller of two lists", "TYPE_MISMATCH", "a list value has no order",
    () => f["least"]!(tags(), tags())],
  ["null for equal lists", "TYPE_MISMATCH", "a list value has no order, and equals nothing",
    () => f["nullIf"]!(tags(), tags())],
  ["lists of two types", "TYPE_MISMATCH", "the result is list as its first value, which cannot hold list",
    () => f["coalesce"]!(tags(), f["jsonPath"]!(t!.extra, "$.n", f["list"]!(f["int64"]!())))],
  ["a cast of json", "TYPE_MISMATCH", "take a value out of a json document with jsonPath",
    () => f["cast"]!(t!.extra, f["string"]!())],
  ["a cast of a time to a date", "TYPE_MISMATCH", "timestamp is not cast to date, only to string, timestamp; dateOf",
    () => f["cast"]!(t!.time, f["date"]!())],
  ["a cast to no type", "DEFINITION_INVALID", 'name a column type, such as int64() or decimal({ precision: 12, scale: 2 }), got "int64"',
    () => f["cast"]!(t!.vendor, "int64")],
  ["a cast to a column", "DEFINITION_INVALID", "name a column type",
    () => f["cast"]!(t!.vendor, t!.amount)],
  ["a path in text", "TYPE_MISMATCH", "only a json column has paths, and it got string",
    () => f["jsonPath"]!(t!.vendor, "$.a", f["string"]!())],
  ["a path with a wildcard", "VALUE_INVALID", 'a path has names and indexes, such as $.device.os, $.tags[0] or $["any name"], got "$.a[*]"',
    () => f["jsonPath"]!(t!.extra, "$.a[*]", f["string"]!())],
  ["a path without $", "VALUE_INVALID", "a path has names and indexes",
    () => f["jsonPath"]!(t!.extra, "a.b", f["string"]!())],
  ["a path with half a name", "VALUE_INVALID", "a path has names and indexes",
    () => f["jsonPath"]!(t!.extra, '$["a]', f["string"]!())],
  ["no buckets", "VALUE_INVALID", "buckets is a whole number from 1 to 2147483647, got 0",
    () => f["hashBucket"]!(t!.vendor, 0)],
  ["buckets of json", "TYPE_MISMATCH", "a json value has no order",
    () => f["hashBucket"]!(t!.extra, 10)],
  ["a number in lower case", "TYPE_MISMATCH", "it takes text, and got float64",
    () => f["lower"]!(t!.amount)],
  ["no zone", "VALUE_INVALID", "name its zone",
    () => f["hourOf"]!(t!.time)],
  ["an unknown zone", "TIME_ZONE_UNKNOWN", "Mars/Olympus",
    () => f["hourOf"]!(t!.time, "Mars/Olympus")],
  ["an unknown unit", "VALUE_INVALID", "the unit is seconds, minutes, hours or days",
    () => f["elapsed"]!("weeks", t!.time, t!.seen)],
  ["an expression without end", "DEFINITION_INVALID", "more than 10000 columns and calls",
    () => Array.from({ length: 20 }).reduce<unknown>((x) => f["add"]!(x, x), t!.amount)],
  ["a sum of text", "TYPE_MISMATCH", "it is string; this aggregation takes",
    () => f["sum"]!(f["trim"]!(t!.vendor))],
  ["a number where a condition belongs", "DEFINITION_INVALID", "it takes a condition",
    () => f["count"]!().where!(f["mul"]!(t!.amount, 2))],
];

test.each(refusals)("%s is refused", (_, code, says, call) => {
  try {
    call();
  } catch (error) {
    expect([(error as { code: string }).code, (error as Error).message]).toEqual([
      code,
      expect.stringContaining(says),
    ]);
    return;
  }
  expect.unreachable();
});
