"""
The bank's lake and the questions of the benchmarks of training sets in DuckDB's SQL.
"""

import duckdb
from deltalake import DeltaTable

VENDORS = [
    "Online Shopping",
    "Hospital",
    "Sport",
    "Grocery",
    "Restaurant",
    "Transportation",
    "Sending Out",
]
WEEK = 604_800_000_000
CHANNELS = ["Current Account", "Credit Card", "Debit Card"]


def connect(lake, labels, knowledge):
    """
    Opens DuckDB with the views `labels` and `events`. `events` are the rows of the versions that a
    user must read: no deleted rows, no quarantined rows, and as corrected only current versions.
    """
    files = DeltaTable(f"{lake}/transactions/versions").file_uris()
    con = duckdb.connect()
    con.execute("set threads = 2; set timezone = 'UTC'")
    current = " and _known_to is null" if knowledge == "as-corrected" else ""
    # the lake's times are µs
    con.execute(
        f"""create view labels as select *, epoch_us(event_timestamp) time
            from read_parquet('{labels}')"""
    )
    con.execute(
        f"""create view events as select id, user_id, vendor, channel, amount, time,
            _known_from, _known_to from read_parquet({files!r}, hive_partitioning = false)
            where not _deleted and _quarantine is null{current}"""
    )
    return con


def within(label_time, knowledge):
    """The condition that an event is in the week before a label, and was known at the label."""
    week = f"e.time >= {label_time} - {WEEK} and e.time < {label_time}"
    if knowledge == "as-corrected":
        return week
    return (
        f"{week} and e._known_from < {label_time}"
        f" and (e._known_to is null or {label_time} <= e._known_to)"
    )


WEEKLY = """count(e.id) num_transactions_l1w, coalesce(sum(e.amount), 0) total_amount_l1w,
    avg(e.amount) avg_amount_l1w, min(e.amount) min_amount_l1w, max(e.amount) max_amount_l1w"""
DISTINCT = """count(distinct e.vendor) num_vendors_l1w,
    count(distinct e.channel) num_sources_l1w"""
# a bit for each value: no set of values is needed
BITS = """coalesce(bit_count(bit_or(e.vendor_bit)), 0)::bigint num_vendors_l1w,
    coalesce(bit_count(bit_or(e.channel_bit)), 0)::bigint num_sources_l1w"""
COUNTS = ("num_transactions_l1w", "total_amount_l1w", "num_vendors_l1w", "num_sources_l1w")
VALUES = ("avg_amount_l1w", "min_amount_l1w", "max_amount_l1w")
WITH_BITS = f"""(select *, 1 << list_position({VENDORS!r}, vendor) vendor_bit,
    1 << list_position({CHANNELS!r}, channel) channel_bit from events)"""


def weekly_at_labels(knowledge, tuned):
    """A range join of the labels with the events of the week before each label."""
    events, distinct = (WITH_BITS, BITS) if tuned else ("events", DISTINCT)
    return f"""select l.label_id, l.user_id, l.event_timestamp, {WEEKLY}, {distinct}
        from labels l left join {events} e on e.user_id = l.user_id
            and {within("l.time", knowledge)}
        group by all"""


def weekly_at_dates(knowledge, tuned):
    """A range join of the few dates with the events, grouped by user and date."""
    events, distinct = (WITH_BITS, BITS) if tuned else ("events", DISTINCT)
    columns = [f"coalesce({name}, 0) {name}" for name in COUNTS] + list(VALUES)
    return f"""with dates as (select distinct event_timestamp, time from labels),
        answers as (select d.event_timestamp, e.user_id, {WEEKLY}, {distinct}
            from dates d join {events} e on {within("d.time", knowledge)}
            group by all)
        select l.label_id, l.user_id, l.event_timestamp, {", ".join(columns)}
        from labels l left join answers using (user_id, event_timestamp)"""


def newest_at_labels(knowledge, tuned):
    """The newest event of the user at each label. The event at the label counts."""
    return """select l.label_id, l.user_id, l.event_timestamp, e.amount
        from labels l asof left join events e
            on e.user_id = l.user_id and e.time <= l.time"""


DAY = 86_400_000_000
HOUR = 3_600_000_000
# DuckDB has no aggregate for the other six features: skewness of a population, the most frequent
# values, gaps, sessions, streaks and changes
RICH = f"""{WEEKLY}, {DISTINCT},
    count(e.id) filter (where e.time >= l.time - {DAY}) num_transactions_l1d,
    coalesce(sum(e.amount) filter (where e.time >= l.time - {DAY}), 0) total_amount_l1d,
    count(e.id) filter (where e.vendor = 'Grocery') num_groceries_l1w,
    coalesce(sum(e.amount) filter (where e.amount > 500), 0) total_large_l1w,
    avg(case when e.amount > 500 then 1 when e.amount <= 500 then 0 end) share_large_l1w,
    var_samp(e.amount) variance_amount_l1w,
    stddev_pop(e.amount) stddev_amount_l1w,
    kurtosis_pop(e.amount) kurtosis_amount_l1w,
    covar_samp(e.amount, e.id) covariance_l1w,
    case when count(e.id) > 1 then corr(e.amount, e.id) end correlation_l1w,
    case when count(e.id) > 1
        then regr_slope(e.amount, (e.time - l.time) / {DAY}) end trend_amount_l1w,
    quantile_cont(e.amount, 0.9) quantile_amount_l1w,
    median(e.amount) median_amount_l1w,
    quantile_cont(e.amount, [0.25, 0.5, 0.75]) quartiles_amount_l1w,
    mode(e.vendor) mode_vendor_l1w,
    histogram(e.vendor) histogram_vendors_l1w,
    case when count(e.id) > 0 then entropy(e.vendor) end entropy_vendors_l1w,
    arg_min(e.amount, e.time) first_amount_l1w,
    arg_max(e.amount, e.time) last_amount_l1w,
    list(e.vendor order by e.time desc)[1:5] last_vendors_l1w,
    arg_max(e.vendor, e.amount) vendor_of_largest_l1w,
    max(e.amount, 3) top_amounts_l1w,
    (l.time - min(e.time)) / {HOUR} hours_since_first_l1w,
    (l.time - max(e.time)) / {HOUR} hours_since_last_l1w,
    (max(e.time) - min(e.time)) / nullif(count(e.id) - 1, 0) / {HOUR} mean_gap_l1w,
    coalesce(sum(e.amount * pow(2, (e.time - l.time) / {DAY})), 0) decayed_amount_l1w,
    approx_count_distinct(e.vendor) approx_vendors_l1w"""


def rich_at_labels(knowledge, tuned):
    """A range join as that of `weekly_at_labels`, with the features that DuckDB has."""
    return f"""select l.label_id, l.user_id, l.event_timestamp, {RICH}
        from labels l left join events e on e.user_id = l.user_id
            and {within("l.time", knowledge)}
        group by l.label_id, l.user_id, l.event_timestamp, l.time"""


QUESTIONS = {
    "weekly-at-labels": weekly_at_labels,
    "weekly-at-dates": weekly_at_dates,
    "rich-at-labels": rich_at_labels,
    "newest-at-labels": newest_at_labels,
}
