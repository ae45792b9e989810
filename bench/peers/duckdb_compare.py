"""
Compares Tidemark's training set with DuckDB's, label by label, in the columns of numbers and texts
that both have. Counts, single amounts and texts are equal. DuckDB rounds a sum many times, so sums
and what is computed of sums are compared within 1e-9. On a sample of labels sums and averages have
the bits of Python's exact math.fsum. Prints the differences as JSON.
"""

import json
import math
import sys

from duckdb_bank import connect, within

lake, labels, ours, theirs, knowledge = sys.argv[1:6]
SAMPLE = 1000
con = connect(lake, labels, knowledge)
con.execute(f"create view ours as select * from read_parquet('{ours}')")
con.execute(f"create view theirs as select * from read_parquet('{theirs}')")
rows = con.execute("select count(*) from labels").fetchone()[0]
types = {name: kind for name, kind, *_ in con.execute("describe theirs").fetchall()}
NOT_COMPARED = {
    # DuckDB has no such aggregate
    "skewness_amount_l1w",
    "frequent_vendors_l1w",
    "max_gap_l1w",
    "sessions_l1w",
    "longest_streak_l1w",
    "vendor_changes_l1w",
    # lists and maps
    "quartiles_amount_l1w",
    "histogram_vendors_l1w",
    "last_vendors_l1w",
    "top_amounts_l1w",
    # of equally frequent and equally large values DuckDB takes any
    "mode_vendor_l1w",
    "vendor_of_largest_l1w",
    # DuckDB estimates in another way
    "approx_vendors_l1w",
}
names = [
    name for name, *_ in con.execute("describe ours").fetchall() if name not in NOT_COMPARED
]
# a covariance near 0 is the difference of large sums: its scale is the product of the deviations
SCALES = {"covariance_l1w": "abs(t.covariance_l1w / nullif(t.correlation_l1w, 0))"}
# an amount of one event is not rounded
EXACT = ("min_amount", "max_amount", "first_", "last_", "amount")
rounded = [
    name for name in names if types.get(name) == "DOUBLE" and not name.startswith(EXACT)
]
differences = [f"theirs has no column {name}" for name in names if name not in types]
for side in ("ours", "theirs"):
    got = con.execute(f"select count(*), count(distinct label_id) from {side}").fetchone()
    if got != (rows, rows):
        differences.append(f"{side} has {got} rows and labels, not {rows}")
for name in [name for name in names if name in types]:
    a, b = f"o.{name}", f"t.{name}"
    differs = f"{a} is distinct from {b}"
    if name in rounded:
        scale = f"greatest(1, abs({b}), {SCALES.get(name, '0')})"
        differs += f" and not coalesce(abs({a} - {b}) <= 1e-9 * {scale}, false)"
    count = con.execute(
        f"select count(*) from ours o join theirs t using (label_id) where {differs}"
    ).fetchone()[0]
    if count > 0:
        differences.append(f"{name} differs in {count} of {rows} rows")
sampled = 0
if "total_amount_l1w" in names:
    step = max(1, rows // SAMPLE)
    for total, average, amounts in con.execute(
        f"""with chosen as (select * from labels where label_id % {step} = 0),
            amounts as (select l.label_id, list(e.amount) filter (e.amount is not null) amounts
                from chosen l left join events e on e.user_id = l.user_id
                    and {within("l.time", knowledge)} group by 1)
            select total_amount_l1w, avg_amount_l1w, amounts
            from amounts join ours using (label_id)"""
    ).fetchall():
        exact = math.fsum(amounts or [])
        sampled += 1
        if total != exact or average != (exact / len(amounts) if amounts else None):
            differences.append(f"a sum is {total!r} and an average {average!r}, not of {exact!r}")
    if sampled == 0:
        differences.append("no sum was compared with math.fsum")
print(
    json.dumps(
        {
            "rows": rows,
            "columns": len(names),
            "sampled": sampled,
            "differences": differences[:20],
        }
    )
)
