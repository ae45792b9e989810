/**
 * Defines the bank's weekly activity, pushed accounts with integer keys, and the same for Feast.
 */
import {
  count,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  pushSource,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { transactions, user, weekly } from "@tidemark/testkit/bank/definitions";
import { transactionSource, userName } from "@tidemark/testkit/bank/transactions";
import type { FeastRepository, FeastView } from "./feast-process.ts";

export const NOW = Date.UTC(2025, 2, 10, 9, 30);
export const LARGEST = 2n ** 63n - 1n;

export const account = entity("account", { keys: { account_id: int64() } });
/** A source that Feast's clients push to. It has its entity and its time, and no other key. */
export const balances = pushSource("balances", {
  columns: {
    account_id: int64(),
    balance: float64().nullable(),
    credit_limit: int64().nullable(),
    tier: string().nullable(),
    event_timestamp: timestamp(),
  },
  primaryKey: ["account_id", "event_timestamp"],
  eventTime: "event_timestamp",
});
export const accountState = featureView("account_state", {
  entity: account,
  source: balances,
  ttl: "7d",
  features: {
    balance: latest(balances.balance),
    credit_limit: latest(balances.credit_limit),
    tier: latest(balances.tier),
  },
});
export const accountMoves = featureView("account_moves", {
  entity: account,
  source: balances,
  features: { moves_l1d: count().over("1d"), limits_l1d: sum(balances.credit_limit).over("1d") },
});
export const fraud = featureService("fraud_v1", [
  weekly.num_transactions_l1w,
  weekly.total_amount_l1w,
]);
export const definitions = {
  user,
  transactions,
  weekly,
  account,
  balances,
  accountState,
  accountMoves,
  fraud,
};

const weeklyTypes = {
  num_transactions_l1w: "int64",
  total_amount_l1w: "float64",
  avg_amount_l1w: "float64",
  min_amount_l1w: "float64",
  max_amount_l1w: "float64",
  num_vendors_l1w: "int64",
  num_sources_l1w: "int64",
} as const;
const ofAccount = { entity: "account", key: "account_id", key_type: "int64" } as const;
const views: Readonly<Record<string, FeastView>> = {
  weekly_activity: { entity: "user", key: "user_id", key_type: "string", features: weeklyTypes },
  account_state: {
    ...ofAccount,
    features: { balance: "float64", credit_limit: "int64", tier: "string" },
    push_source: "balances",
  },
  account_moves: { ...ofAccount, features: { moves_l1d: "int64", limits_l1d: "int64" } },
};
export const repository: FeastRepository = {
  views,
  services: { fraud_v1: [["weekly_activity", ["num_transactions_l1w", "total_amount_l1w"]]] },
};

/**
 * Makes amounts whose sums have many digits, few digits, or no fraction. Some users have one event,
 * or an event without an amount.
 */
export function transactionsOf(users: number, events: number): ChangeSource {
  const rows = Array.from({ length: events }, (_, id) => {
    const user = (id * 31) % users;
    return {
      id,
      user: userName(user),
      vendor: ["Hospital", "Sport", "Trường học", null][id % 4]!,
      channel: id % 3 === 0 ? null : "Credit Card",
      amount:
        user === 0 ? null : user === 1 ? 100 : user === 2 ? 1e22 : ((id * 7907) % 100_003) / 7,
      time: (NOW - Math.floor((((id * 7919) % 1000) / 1000) * 9 * 86_400_000)) * 1000 - id,
    };
  });
  return transactionSource(rows, { batch: events });
}
