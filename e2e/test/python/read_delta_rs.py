"""
Runs statements over tables in a bucket: by delta-rs' own engine, and by DuckDB over the data that
delta-rs reads. Reads {tables: {name: url}, storage, sql: {name: statement}} from its input.
"""

import json
import sys
from decimal import Decimal

import deltalake
import duckdb

job = json.load(sys.stdin)


def cell(value):
    return value.as_py() if hasattr(value, "as_py") else value


def plain(value):
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    return (
        {"integer": str(value)} if isinstance(value, int) and not isinstance(value, bool) else value
    )


def shown(rows):
    return [[plain(cell(value)) for value in row] for row in rows]


tables = {
    name: deltalake.DeltaTable(url, storage_options=job["storage"])
    for name, url in job["tables"].items()
}
query = deltalake.QueryBuilder()
database = duckdb.connect()
for name, table in tables.items():
    query.register(name, table)
    database.register(name, table.to_pyarrow_dataset())

answers = {"delta-rs": {}, "DuckDB": {}}
for name, sql in job["sql"].items():
    batches = query.execute(sql).read_all()
    columns = [batches.column(i) for i in range(batches.num_columns)]
    answers["delta-rs"][name] = shown(zip(*[[cell(one) for one in column] for column in columns]))
    answers["DuckDB"][name] = shown(database.sql(sql).fetchall())
print(json.dumps(answers))
