/** Tests that the fingerprint of a selection changes with all that its answers depend on. */
import {
  collectDefinitions,
  count,
  derivedView,
  div,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { selectionFingerprint } from "@tidemark/core/internal";
import { expect, test } from "vitest";

interface Choices {
  readonly window?: "7d" | "8d";
  readonly otherWindow?: "7d" | "8d";
  readonly column?: string;
  readonly nullable?: boolean;
  readonly entity?: string;
  readonly swapped?: boolean;
  readonly order?: boolean;
  readonly derived?: boolean;
}

/** The fingerprint of the service of a bank, of which one thing is chosen. */
function fingerprint(choices: Choices): string {
  const user = entity(choices.entity ?? "user", { keys: { user_id: string() } });
  const payments = source("payments", {
    table: "payments",
    columns: {
      id: int64(),
      user_id: string(choices.column ?? "user"),
      amount: choices.nullable === true ? float64().nullable() : float64(),
      time: timestamp({ zone: "UTC" }),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const weekly = featureView("weekly", {
    entity: user,
    source: payments,
    features: {
      number: count().over("7d"),
      total: sum(payments.amount).over(choices.window ?? "7d"),
    },
  });
  // nobody asks for it
  const other = featureView("other", {
    entity: user,
    source: payments,
    features: { number: count().over(choices.otherWindow ?? "7d") },
  });
  const { number, total } = weekly;
  const mean = derivedView("mean", {
    features: { amount: choices.swapped === true ? div(number, total) : div(total, number) },
  });
  const asked = featureService(
    "asked",
    choices.derived === false
      ? [weekly]
      : choices.order === true
        ? [weekly.total, weekly.number, mean]
        : [weekly.number, weekly.total, mean],
  );
  const definitions = collectDefinitions({ weekly, other, mean, asked });
  return selectionFingerprint(definitions, definitions.services.get("asked")!.features);
}

test("what the answers depend on changes the fingerprint, and nothing else does", () => {
  const own = fingerprint({});
  expect(fingerprint({ otherWindow: "8d" })).toBe(own);
  const others: readonly Choices[] = [
    { window: "8d" },
    { column: "account" },
    { nullable: true },
    { entity: "client" },
    { swapped: true },
    { order: true },
    { derived: false },
  ];
  const all = [own, ...others.map(fingerprint)];
  expect(new Set(all).size, JSON.stringify(all)).toBe(all.length);
  expect(own).toMatch(/^[0-9a-f]{32}$/);
});
