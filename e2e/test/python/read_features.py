"""Prints the rows of a features table, as delta-rs and DuckDB read them."""

import json
import sys

import duckdb
from deltalake import DeltaTable

table = DeltaTable(sys.argv[1])
features = ["num_transactions_l1w", "total_amount_l1w", "num_vendors_l1w"]
columns = ["date", "user_id", "event_timestamp", *features]
of_delta_rs = table.to_pyarrow_table(columns=columns)
files = table.file_uris()
selected = ", ".join(["date::VARCHAR", *columns[1:]])
of_duckdb = duckdb.sql(
    f"SELECT {selected} FROM read_parquet({files!r}, hive_partitioning = true)"
).fetchall()
one_day = table.to_pyarrow_table(
    filters=[("date", "=", "2025-06-14")], columns=["user_id"]
).num_rows
print(
    json.dumps(
        {
            "partitionBy": table.metadata().partition_columns,
            "oneDay": one_day,
            "deltaRs": [[row[name] for name in columns] for row in of_delta_rs.to_pylist()],
            "duckdb": of_duckdb,
        }
    )
)
