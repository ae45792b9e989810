import {
  derivedView,
  div,
  featureService,
  float64,
  int64,
  mul,
  requestData,
  string,
  transform,
  type Feature,
  type NeedsOf,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { accounts, profile, store, weekly } from "./support/bank.ts";

const order = requestData("order", { price: float64(), coupon: string().nullable() });
const score = transform("score", {
  version: 1,
  inputs: {
    half: div(weekly.mean, 2),
    city: profile.city,
    total: accounts.total,
    price: order.price,
  },
  outputs: { risk: float64(), word: string(), limit: int64().nullable() },
  compute: (inputs) => {
    expectTypeOf(inputs).toEqualTypeOf<{
      readonly half: number | null;
      readonly city: string | null;
      readonly total: string;
      readonly price: number;
    }>();
    return { risk: inputs.price, word: inputs.total, limit: null };
  },
});

test("a transform answers its outputs, and needs what all its inputs need", () => {
  expectTypeOf<RowOf<typeof score>>().toEqualTypeOf<{
    risk: number;
    word: string;
    limit: bigint | null;
  }>();
  type Needs = { user_id: string; bank: string; account_id: bigint | number; price: number };
  expectTypeOf<NeedsOf<typeof score>>().toEqualTypeOf<Needs>();
  expectTypeOf(score.risk).toEqualTypeOf<Feature<"score", "risk", number, Needs, "float64">>();
});

test("outputs are features: of services, of derived views and of other transforms", async () => {
  const view = derivedView("view", { features: { twice: mul(score.risk, 2) } });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{ twice: number }>();
  const next = transform("next", {
    version: 2,
    inputs: { risk: score.risk, twice: view.twice },
    outputs: { band: string() },
    compute: ({ risk, twice }) => ({ band: risk > twice ? "low" : "high" }),
  });
  const service = featureService("s", [weekly.num, next.band.as("level"), score.limit]);
  const entity = { user_id: "u", bank: "b", account_id: 1, price: 2 };
  const row = await store.getOnlineFeatures({ features: service, entity });
  expectTypeOf(row).toEqualTypeOf<{ num: number; level: string; limit: bigint | null }>();
});
