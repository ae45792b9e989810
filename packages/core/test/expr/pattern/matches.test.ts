/** The patterns of `matches`: what they match, what is refused, and how long they take. */
import fc from "fast-check";
import { anyPattern } from "@tidemark/testkit/generate/patterns";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { describe, expect, test } from "vitest";
import { matches } from "../../../src/expr/functions/matches.ts";
import { patternMatcher } from "../../../src/expr/pattern/match-pattern.ts";
import { parsePattern } from "../../../src/expr/pattern/parse-pattern.ts";
import { printPattern } from "../../../src/expr/pattern/print-pattern.ts";
import { callExpression, columnExpression } from "../../../src/expr/tree.ts";
import type { SourceSpec } from "../../../src/specs.ts";
import { Random } from "@tidemark/testkit";
import { column } from "../../support/any-value.ts";

const x = column("x", "string");
const matcherOf = (pattern: string): ((text: string) => boolean) =>
  patternMatcher(parsePattern(pattern));

/** What JavaScript's own regular expressions say, by the oracle. */
function oracle(pattern: string, text: string): unknown {
  const call = callExpression(matches, [columnExpression(x)], { pattern });
  const source = { columns: [x] } as unknown as SourceSpec;
  return evaluate({ ...call, arguments: [columnNode(x)] }, source, [text]);
}

test("a text matches as JavaScript says, by generated patterns and texts", () => {
  let matched = 0;
  let all = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const { pattern, texts } = anyPattern(random);
      const isMatch = matcherOf(pattern);
      const printed = printPattern(parsePattern(pattern));
      const isPrintedMatch = matcherOf(printed);
      for (const text of texts) {
        const wanted = oracle(pattern, text);
        expect([pattern, text, isMatch(text)]).toEqual([pattern, text, wanted]);
        expect([printed, text, isPrintedMatch(text)]).toEqual([printed, text, wanted]);
        all++;
        if (wanted === true) matched++;
      }
    }),
    { numRuns: 1500 },
  );
  // texts that match and that do not are both generated often
  expect(matched).toBeGreaterThan(all / 10);
  expect(matched).toBeLessThan((all * 9) / 10);
});

test.each([
  ["a.c", "a😀c", true],
  ["a.c", "a\nc", false],
  ["a.c", "a\u2028c", false],
  ["[^a]", "\n", true],
  ["\\s", "\u00a0", false],
  ["\\S", "\u00a0", true],
  ["\\w+", "ł", false],
  ["\\d", "٣", false],
  ["a|bc", "ac", false],
  ["", "", true],
  ["()*|a", "", true],
  ["[a-]+", "a-a", true],
  ["\\.\\$\\^", ".$^", true],
  ["é", "e\u0301", false],
])("%j and %j: %s", (pattern, text, isMatch) => {
  expect(matcherOf(pattern)(text)).toBe(isMatch);
});

// prettier-ignore
test.each([
  ["^a", "an anchor (^) at character 1; leave it out, because the whole text must match"],
  ["a$", "an anchor ($) at character 2"],
  ["a*?", "a lazy quantifier at character 3"],
  ["a{2}+", "a possessive quantifier at character 5"],
  ["a+*", "a second quantifier at character 3; group the first, as in (a+)*"],
  ["(?=a)b", "a look-around at character 1"],
  ["b(?<!a)", "a look-around at character 2"],
  ["(?<n>a)", "a group with a name or flags at character 1"],
  ["(?i)a", "a group with a name or flags at character 1"],
  ["(a)\\1", "a back reference at character 4"],
  ["\\ba", "a word bound at character 1"],
  ["😀\\p{L}", "the escape \\p at character 2; write the character itself"],
  ["\\Aa", "the escape \\A at character 1"],
  ["*a", "a quantifier (*) that repeats nothing at character 1"],
  ["a|{2}", "a quantifier ({) that repeats nothing at character 3"],
  ["a{2", "an unfinished quantifier at character 2; write {2}, {2,} or {2,5}"],
  ["a{,2}", "a quantifier without a number at character 3"],
  ["a{3,2}", "a quantifier whose bounds fall at character 2"],
  ["a{1001}", "a number above 1000 at character 3"],
  ["(a{40}){40}", "a repetition of more than 1000 characters at character 1"],
  ["(a", "a group without an end at character 1; write its ); write \\( for the sign"],
  ["a)", "a ) that closes nothing at character 2"],
  ["a]", "a ] that closes nothing at character 2"],
  ["[a", "a class without an end at character 1"],
  ["[]", "an empty class at character 1"],
  ["[b-a]", "a range whose bounds fall at character 2"],
  ["[\\d-z]", "a range whose bound is a set at character 2"],
  ["[a&&b]", "an intersection (&&) at character 3"],
  ["[[:alpha:]]", "a [ in a class at character 2"],
  ["[\\D]", "the set \\D in a class at character 2"],
  ["a\\", "a backslash that takes nothing at character 2; write two of them"],
  ["a".repeat(1001), "the last of more than 1000 characters at character 1001"],
  ["(".repeat(101) + ")".repeat(101), "a group more than 100 deep in others at character 101"],
])("%j is refused with its place", (pattern, message) => {
  expect(() => parsePattern(pattern)).toThrow(`its pattern has ${message}`);
});

describe("the time is linear in the text", () => {
  test.each(["(a|a)*b", "(a*)*b", "(a|aa)+b", "((a?)*)*b", "(a?){300}a{300}b"])("%s", (pattern) => {
    const isMatch = matcherOf(pattern);
    const began = performance.now();
    expect(isMatch("a".repeat(2_000))).toBe(false);
    expect(isMatch(`${"a".repeat(400)}b`)).toBe(true);
    // a matcher that goes back takes longer than the universe is old
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
