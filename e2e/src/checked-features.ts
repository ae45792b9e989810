/** Features of the bank's topic with every aggregation that SQL computes, over every window. */
import {
  add,
  all,
  and,
  any,
  avg,
  bottomK,
  bottomKBy,
  caseWhen,
  changes,
  count,
  countDistinct,
  current,
  currentStreak,
  decimal,
  distinctValues,
  div,
  entity,
  entropy,
  eq,
  featureView,
  first,
  firstN,
  float64,
  gt,
  histogram,
  inList,
  int64,
  isNotNull,
  last,
  lastN,
  lastRows,
  latest,
  lifetime,
  longestStreak,
  lt,
  max,
  maxBy,
  maxGap,
  maxSession,
  meanGap,
  meanSession,
  median,
  min,
  minBy,
  minGap,
  mode,
  mostFrequent,
  mul,
  not,
  or,
  previous,
  quantile,
  quantiles,
  series,
  sessionCount,
  share,
  source,
  string,
  sum,
  timeSinceFirst,
  timeSinceLast,
  timestamp,
  topK,
  topKBy,
  when,
  window,
} from "@tidemark/core";

const user = entity("user", { keys: { user_id: string() } });
const userAtVendor = entity("user_at_vendor", { keys: { user_id: string(), vendor: string() } });

const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    points: int64("Points").nullable(),
    fee: decimal("Fee", { precision: 12, scale: 2 }).nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const { amount, channel, fee, points, vendor, time } = transactions;
const large = gt(amount, 100);

export const sums = featureView("sums", {
  entity: user,
  source: transactions,
  features: {
    num: count().overEach("1d", "7d"),
    num_amounts: count(amount).over("7d"),
    total: sum(amount).overEach("1d", "7d", "30d"),
    mean: avg(amount).over("7d"),
    least: min(amount).over("7d"),
    most: max(amount).over("7d"),
    points: sum(points).over("7d"),
    mean_points: avg(points).over("7d"),
    fees: sum(fee).over("7d"),
    mean_fee: avg(fee).over("7d"),
    least_fee: min(fee).over("7d"),
    vendors: countDistinct(vendor).over("7d"),
    amounts: countDistinct(amount).over("7d"),
    card_total: sum(amount).where(eq(channel, "card")).over("7d"),
    odd_total: sum(amount)
      .where(or(inList(vendor, ["Café ☕", "O'Hara", "日本"]), and(not(large), isNotNull(points))))
      .over("7d"),
    twice: sum(mul(amount, 2)).over("7d"),
    more_points: sum(add(points, 1)).over("7d"),
    sized: countDistinct(
      caseWhen([when(large, "large"), when(lt(amount, 0), "back")], "small"),
    ).over("7d"),
    of_week: div(sum(amount).over("1d"), sum(amount).over("7d")),
  },
});

export const orders = featureView("orders", {
  entity: user,
  source: transactions,
  features: {
    any_large: any(large).over("1d"),
    all_large: all(large).over("1d"),
    share_large: share(large).over("7d"),
    first_vendor: first(vendor).over("7d"),
    last_vendor: last(vendor).over("7d"),
    last_amount: last(amount).over("7d"),
    first_amounts: firstN(amount, 3).over("7d"),
    last_vendors: lastN(vendor, 3, { distinct: true }).over("7d"),
    most_at: maxBy(vendor, amount).over("7d"),
    least_at: minBy(vendor, amount).over("7d"),
    most_at_3: topKBy(vendor, fee, 3).over("7d"),
    least_at_3: bottomKBy(vendor, fee, 3).over("7d"),
    top: topK(amount, 3).over("7d"),
    bottom: bottomK(points, 3, { distinct: true }).over("7d"),
    values: distinctValues(vendor, { atMost: 4 }).over("7d"),
    usual: mode(vendor).over("7d"),
    usual_2: mostFrequent(channel, 2).over("7d"),
    by_vendor: histogram(vendor).over("7d"),
    middle: median(amount).over("7d"),
    high: quantile(fee, 0.9).over("7d"),
    spread: quantiles(amount, [0.05, 0.5, 1]).over("7d"),
    since_last: timeSinceLast("hours").over("30d"),
    since_first: timeSinceFirst("days").over("30d"),
    gap: meanGap("hours").over("7d"),
    longest_gap: maxGap("hours").over("7d"),
    shortest_gap: minGap("seconds").over("7d"),
    sessions: sessionCount("2h").over("7d"),
    mean_session: meanSession("2h", "minutes").over("7d"),
    longest_session: maxSession("2h", "minutes").where(isNotNull(vendor)).over("7d"),
    streak: currentStreak(large).over("7d"),
    longest_streak: longestStreak(large).over("7d"),
    vendor_changes: changes(vendor).over("7d"),
    amount_changes: changes(amount).over("7d"),
  },
});

export const windows = featureView("windows", {
  entity: user,
  source: transactions,
  features: {
    ever: sum(amount).over(lifetime()),
    late: sum(amount).over(window("2d", { delay: "6h" })),
    today: sum(amount).over(current("day", "Asia/Ho_Chi_Minh")),
    last_week: sum(fee).over(previous("week", "Europe/Zurich")),
    newest: sum(amount).where(isNotNull(vendor)).over(lastRows(5)),
    newest_by: sum(amount)
      .by(channel)
      .over(lastRows(2, { within: "7d" })),
    days: sum(amount).over(series("1d", 5)),
    day_vendors: countDistinct(vendor).over(series("1d", 5)),
    by_channel: sum(amount).by(channel).over("7d"),
    each_channel: avg(amount).byEach(channel, ["card", "wire", "none"]).over("7d"),
  },
});

export const pairs = featureView("pairs", {
  entity: userAtVendor,
  source: transactions,
  features: { pair_total: sum(amount).over("30d"), pair_last: max(time).over("30d") },
});

export const facts = featureView("facts", {
  entity: user,
  source: transactions,
  ttl: "2d",
  features: { amount_now: latest(amount), vendor_now: latest(vendor).default("none") },
});

/** Nothing of it is computed by SQL. */
export const others = featureView("others", {
  entity: user,
  source: transactions,
  features: { vendor_entropy: entropy(vendor).over("7d") },
});
