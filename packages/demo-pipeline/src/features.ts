/**
 * Defines the features of the bank's models. The stream, the training set and the online request
 * all use these definitions.
 */
import {
  avg,
  calendarSeries,
  cast,
  commitTime,
  count,
  countDistinct,
  current,
  date,
  decimal,
  div,
  enrichedSource,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  int32,
  int64,
  lastN,
  latest,
  max,
  min,
  previous,
  requestData,
  share,
  source,
  string,
  sum,
  timestamp,
  transform,
} from "@tidemark/core";

export const user = entity("user", {
  keys: { user_id: string() },
  description: "A customer of the bank.",
  owner: "customer-data",
});
const vendor = entity("vendor", { keys: { vendor: string() } });

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
  description: "The bank's transactions. Corrections, repairs and cancellations change them later.",
  owner: "payments",
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
  description: "What a customer did in the seven days before a request.",
  owner: "risk",
  tags: ["fraud", "churn"],
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

/** The days and weeks of the bank begin at midnight in Vietnam. */
const ZONE = "Asia/Ho_Chi_Minh";
/** The amount in exact cents: its sums are exact decimals, and texts in TypeScript. */
const paid = cast(transactions.amount, decimal({ precision: 12, scale: 2 }));

export const spending = featureView("spending", {
  entity: user,
  source: transactions,
  description: "Where a customer's money goes, by vendor and by day.",
  owner: "risk",
  features: {
    // a function of two windows: which part of the week's money went in the last 24 hours?
    amount_1d_of_1w: div(sum(paid).over("1d"), sum(paid).over("7d")),
    // a list: the vendors of the five newest transactions, the newest first
    last_vendors: lastN(transactions.vendor, 5).over("30d"),
    // a map with an entry for each vendor of the week, and an object with exactly these two members
    amount_by_vendor_l1w: sum(paid).by(transactions.vendor).over("7d"),
    num_everyday_l1w: count().byEach(transactions.vendor, ["Grocery", "Restaurant"]).over("7d"),
    // calendar days and weeks: amount_today and amount_last_week
    amount: sum(paid).overNamed({ today: current("day", ZONE), last_week: previous("week", ZONE) }),
    // a list with one number for each of the last seven days, the oldest first
    num_by_day: count().over(calendarSeries("day", ZONE, 7)),
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

/** Each transaction with the segment that its customer had at that time. */
const customerTransactions = enrichedSource("customer_transactions", {
  from: transactions,
  with: customers,
  on: { user_id: transactions.user_id },
  columns: { segment: customers.segment },
});

export const vendorCustomers = featureView("vendor_customers", {
  entity: vendor,
  source: customerTransactions,
  features: {
    private_share_1d: share(eq(customerTransactions.segment, "Private")).over("1d"),
    num_by_segment_1d: count().by(customerTransactions.segment).over("1d"),
  },
});

/** What a request knows of the payment that a customer is about to make. */
const payment = requestData("payment", {
  price: decimal({ precision: 12, scale: 2 }),
  vendor: string(),
});

/** A small model in TypeScript. Requests and training sets call the same function. */
export const paymentRisk = transform("payment_risk", {
  version: 1,
  inputs: {
    price: payment.price,
    vendor: payment.vendor,
    largest: weekly.max_amount_l1w,
    lastVendors: spending.last_vendors,
  },
  outputs: { risk_points: int32(), risk: string() },
  compute: ({ price, vendor, largest, lastVendors }) => {
    const isLarge = largest === null || Number(price) > largest;
    const risk_points = (isLarge ? 2 : 0) + (lastVendors.includes(vendor) ? 0 : 1);
    return { risk_points, risk: risk_points === 3 ? "high" : "low" };
  },
});

export const customer360 = featureService("customer_360", [weekly, spending, profile], {
  description: "Everything that the churn model reads of a customer.",
  owner: "churn-model",
});
export const paymentCheck = featureService("payment_check", [paymentRisk, spending.amount_today]);
