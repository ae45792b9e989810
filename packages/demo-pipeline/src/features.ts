/**
 * Defines the features of the bank's models. The stream, the training set and the online request
 * all use these definitions.
 */
import {
  avg,
  commitTime,
  count,
  countDistinct,
  date,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  max,
  min,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    // a varchar such as "2025-06-14 09:30:00" has no zone, so the zone is declared
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

/**
 * A dimension: each version of a customer's row holds from its commit. Rows of the first snapshot
 * hold from the customer's first day.
 */
export const customers = source("customers", {
  table: "public.customer_data",
  columns: {
    user_id: string("id"),
    name: string("name"),
    gender: string("gender").nullable(),
    birth_date: date("birth date").nullable(),
    address: string("address").nullable(),
    segment: string("segment"),
    created: timestamp("created"),
  },
  primaryKey: ["user_id"],
  eventTime: commitTime({ since: "created" }),
});

export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    num_transactions_l1w: count().over("7d"),
    total_amount_l1w: sum(transactions.amount).over("7d"),
    avg_amount_l1w: avg(transactions.amount).over("7d"),
    min_amount_l1w: min(transactions.amount).over("7d"),
    max_amount_l1w: max(transactions.amount).over("7d"),
    num_vendors_l1w: countDistinct(transactions.vendor).over("7d"),
    num_sources_l1w: countDistinct(transactions.channel).over("7d"),
  },
});

export const profile = featureView("customer_profile", {
  entity: user,
  source: customers,
  features: {
    segment: latest(customers.segment),
    gender: latest(customers.gender),
    birth_date: latest(customers.birth_date),
    address: latest(customers.address),
  },
});

export const customer360 = featureService("customer_360", [weekly, profile]);
