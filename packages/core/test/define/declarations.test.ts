/** Users who emit declarations: the types of their definitions can be named. */
import { expect, test } from "vitest";
import { compile } from "./support/compile.ts";

const definitions = `
import { sum, last, lastN, series, featureView, count, asOf, elapsed, avgOf } from "@tidemark/core";
import { ratio, lastRows, elementOf, valueAt, histogram, derivedView } from "@tidemark/core";
import { transactions as t, user } from "./bank.ts";
export const days = count().over(series("1d", 7));
export const by = sum(t.amount).by(t.vendor).over("7d");
export const each = sum(t.amount).byEach(t.vendor, ["a", "b"]).over("7d");
export const item = last({ a: t.vendor, b: t.amount }).over("7d");
export const idle = elapsed("hours", last(t.time).over("7d"), asOf());
export const now = asOf();
export const r = ratio(count(), count());
export const l = lastRows(5);
export const view = featureView("v", {
  entity: user,
  source: t,
  features: {
    days, by, each, item, idle,
    usual: avgOf(days),
    counts: histogram(t.vendor).over("1d"),
    newest: lastN(t.vendor, 2).over("1d"),
  },
});
export const e = valueAt(by, "x");
export const d = derivedView("d", { features: { first: elementOf(view.days, 0), by: view.by } });
`;

test("the declarations of definitions name their types", () => {
  const { complaints } = compile([definitions], { declaration: true, emitDeclarationOnly: true });
  expect(complaints[0]!.map(({ message }) => message)).toEqual([]);
});
