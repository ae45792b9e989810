import {
  add,
  and,
  coalesce,
  derivedView,
  div,
  feature,
  featureService,
  featureView,
  float64,
  gt,
  latest,
  requestData,
  string,
  type Feature,
  type NeedsOf,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { accounts, profile, store, transactions, user, weekly } from "./support/bank.ts";

const order = requestData("order", { price: float64(), coupon: string().nullable() });
const mixed = derivedView("mixed", {
  features: {
    half: div(weekly.mean, 2),
    both: and(gt(weekly.mean, 1), gt(accounts.total, 2)),
    home: coalesce(profile.city, "nowhere"),
    after: feature(add(order.price, weekly.mean)).default(0),
    coupon_given: order.coupon,
  },
});

test("a derived feature has the type of its function, and needs what its inputs need", () => {
  expectTypeOf<RowOf<typeof mixed>>().toEqualTypeOf<{
    half: number | null;
    both: boolean | null;
    home: string;
    after: number;
    coupon_given: string | null;
  }>();
  expectTypeOf(mixed.half).toEqualTypeOf<
    Feature<"mixed", "half", number | null, { user_id: string }, "float64">
  >();
  expectTypeOf<NeedsOf<typeof mixed.home>>().toEqualTypeOf<{ user_id: string }>();
  expectTypeOf<NeedsOf<typeof mixed.after>>().toEqualTypeOf<{ user_id: string; price: number }>();
  expectTypeOf<NeedsOf<typeof mixed.coupon_given>>().toEqualTypeOf<{ coupon: string | null }>();
  expectTypeOf<NeedsOf<typeof mixed.both>>().toEqualTypeOf<
    { user_id: string } & NeedsOf<typeof accounts> extends infer X
      ? { [K in keyof X]: X[K] }
      : never
  >();
});

test("derived features of derived features, services and requests", async () => {
  const deeper = derivedView("deeper", {
    features: { sum: feature(add(mixed.half, mixed.after)).renamedFrom("total") },
  });
  expectTypeOf<RowOf<typeof deeper>>().toEqualTypeOf<{
    sum: number | null;
    total: number | null;
  }>();
  expectTypeOf<NeedsOf<typeof deeper>>().toEqualTypeOf<{ user_id: string; price: number }>();
  const service = featureService("s", [weekly.num, deeper.sum.as("other")]);
  expectTypeOf<NeedsOf<typeof service>>().toEqualTypeOf<{ user_id: string; price: number }>();
  const [row] = await store.getOnlineFeatures({
    features: service,
    entities: [{ user_id: "u", price: 1 }],
  });
  expectTypeOf(row!.other).toEqualTypeOf<number | null>();
  const facts = featureView("facts", {
    entity: user,
    source: transactions,
    features: { vendor: latest(transactions.vendor) },
  });
  expectTypeOf(coalesce(facts.vendor, "none")).not.toBeNever();
});
