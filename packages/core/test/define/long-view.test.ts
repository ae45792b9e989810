import { expect, test } from "vitest";
import { compile } from "./support/compile.ts";

const kinds = [
  "count()",
  "sum(transactions.amount)",
  "avg(transactions.fee)",
  "max(transactions.vendor)",
  "countDistinct(transactions.vendor)",
  'count().where(eq(transactions.vendor, "a"))',
];

/** A module with a view of `n` features, a service that lists each, and a read of it. */
function module(n: number): string {
  const range = Array.from({ length: n }, (_, i) => i);
  return `import { avg, count, countDistinct, eq, max, sum } from "@tidemark/core";
import { featureService, featureView } from "@tidemark/core";
import { store, transactions, user } from "./bank.ts";
export const long = featureView("long", { entity: user, source: transactions, features: {
${range.map((i) => `  f${i}: ${kinds[i % kinds.length]}.over("7d"),`).join("\n")}
} });
export const all = featureService("all", [${range.map((i) => `long.f${i}`).join(", ")}]);
const [row] = await store.getOnlineFeatures({ features: all, entities: [{ user_id: "a" }] });
export const first: number = row.f0;
`;
}

test("the compiler's work for a view grows with its features, not with their square", () => {
  const work = [6, 150, 300].map((n) => {
    const before = performance.now();
    const { complaints, program } = compile([module(n)]);
    expect(complaints[0]).toEqual([]);
    return {
      n,
      instantiations: program.getInstantiationCount(),
      ms: Math.round(performance.now() - before),
    };
  });
  console.log(
    work
      .map((one) => `${one.n} features: ${one.instantiations} instantiations, ${one.ms} ms`)
      .join("; "),
  );
  const [least, half, whole] = work.map((one) => one.instantiations) as [number, number, number];
  expect((whole - half) / (half - least)).toBeLessThan(1.3);
  expect(whole).toBeLessThan(100_000);
});
