import {
  derivedView,
  div,
  featureService,
  float64,
  requestData,
  select,
  type NeedsOf,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { accounts, profile, store, weekly } from "./support/bank.ts";

const order = requestData("order", { price: float64() });
const part = derivedView("part", { features: { of_price: div(weekly.mean, order.price) } });

test("a selection has the picked features under their new names, and the keys of its roles", () => {
  const all = select(weekly, { prefix: "origin_", keys: { user_id: "origin_id" } });
  expectTypeOf<RowOf<typeof all>>().toEqualTypeOf<{
    origin_num: number;
    origin_total: number;
    origin_mean: number | null;
  }>();
  expectTypeOf<NeedsOf<typeof all>>().toEqualTypeOf<{ origin_id: string }>();
  const some = select(weekly, { pick: ["num", "mean"], rename: { mean: "usual" }, prefix: "b_" });
  expectTypeOf<RowOf<typeof some>>().toEqualTypeOf<{ b_num: number; usual: number | null }>();
  expectTypeOf<NeedsOf<typeof some>>().toEqualTypeOf<{ user_id: string }>();
  const one = select(part.of_price, { keys: { price: "cost" } });
  expectTypeOf<RowOf<typeof one>>().toEqualTypeOf<{ of_price: number | null }>();
  expectTypeOf<NeedsOf<typeof one>>().toEqualTypeOf<{ user_id: string; cost: number }>();
  const composite = select(accounts, { pick: ["total"], keys: { account_id: "target" } });
  expectTypeOf<NeedsOf<typeof composite>>().toEqualTypeOf<{
    bank: string;
    target: bigint | number;
  }>();
});

test("a service of two roles needs both keys", async () => {
  const transfer = featureService("transfer", [
    select(weekly, { pick: ["num"], prefix: "origin_", keys: { user_id: "origin_id" } }),
    select(weekly, { pick: ["num"], prefix: "target_", keys: { user_id: "target_id" } }),
    profile.city,
  ]);
  expectTypeOf<NeedsOf<typeof transfer>>().toEqualTypeOf<{
    user_id: string;
    origin_id: string;
    target_id: string;
  }>();
  const row = await store.getOnlineFeatures({
    features: transfer,
    entity: { user_id: "a", origin_id: "b", target_id: "c" },
  });
  expectTypeOf(row).toEqualTypeOf<{
    origin_num: number;
    target_num: number;
    city: string | null;
  }>();
});
