/** Tests that a real Trino reads the patterns of `matches` as Tidemark does. */
import { queryTrino } from "@tidemark/catalog-trino";
import { matches, source, string, timestamp, toSql } from "@tidemark/core";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { anyPattern } from "@tidemark/testkit/generate/patterns";
import { suiteNeeding, trinoServer } from "@tidemark/testkit/needs";
import { regExpOf } from "@tidemark/testkit/oracle/patterns";
import { sharedService } from "@tidemark/testkit/services/shared";
import { expect, test } from "vitest";

const PATTERNS = 200;
/** The patterns of a query. */
const AT_ONCE = 50;

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const rows = source("rows", {
  table: "public.rows",
  columns: { text: string(), time: timestamp({ zone: "UTC" }) },
  primaryKey: ["text"],
  eventTime: "time",
});

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

suiteNeeding(trinoServer(), "patterns in Trino", () => {
  test("generated patterns and texts match alike", { timeout: 600_000 }, async () => {
    const trino = await sharedService("trino");
    const random = new Random(seed);
    let matched = 0;
    for (let from = 0; from < PATTERNS; from += AT_ONCE) {
      const generated = Array.from({ length: AT_ONCE }, () => anyPattern(random));
      const answers = generated.flatMap(({ pattern, texts }, p) => {
        const condition = toSql(matches(rows.text, pattern));
        return texts.map((text, t) => {
          const isMatch = condition.replace('"text"', () => literal(text));
          return `('${p} ${t}', ${isMatch})`;
        });
      });
      const found = await queryTrino(trino, `VALUES ${answers.join(", ")}`);
      const inTrino = new Map(found as readonly (readonly [string, boolean])[]);
      for (const [p, { pattern, texts }] of generated.entries())
        for (const [t, text] of texts.entries()) {
          const isMatch = regExpOf(pattern).test(text);
          expect([pattern, text, inTrino.get(`${p} ${t}`)]).toEqual([pattern, text, isMatch]);
          if (isMatch) matched++;
        }
    }
    expect(matched).toBeGreaterThan(PATTERNS);
  });
});
