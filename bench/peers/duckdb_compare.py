"""
Compares Tidemark's training set with DuckDB's, label by label: every column but sums and averages
is equal. DuckDB rounds a sum many times, so all sums are compared within 1e-9, and on a sample of
labels sums and averages have the bits of Python's exact math.fsum. Exits with 1 at a difference.
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
names = [name for name, *_ in con.execute("describe ours").fetchall()]
rounded = [name for name in names if name.startswith(("total_", "avg_"))]
differences = []
for side in ("ours", "theirs"):
    got = con.execute(f"select count(*), count(distinct label_id) from {side}").fetchone()
    if got != (rows, rows):
        differences.append(f"{side} has {got} rows and labels, not {rows}")
for name in names:
    a, b = f"o.{name}", f"t.{name}"
    differs = f"{a} is distinct from {b}"
    if name in rounded:
        differs += f" and not coalesce(abs({a} - {b}) <= 1e-9 * greatest(1, abs({b})), false)"
    count = con.execute(
        f"select count(*) from ours o join theirs t using (label_id) where {differs}"
    ).fetchone()[0]
    if count > 0:
        differences.append(f"{name} differs in {count} of {rows} rows")
sampled = 0
if rounded:
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
print(json.dumps({"rows": rows, "sampled": sampled, "differences": differences[:20]}))
