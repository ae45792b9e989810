"""Prints the types and rows of a file of Tidemark, as PyArrow, DuckDB and Polars read it."""

import json
import sys

import duckdb
import polars
import pyarrow.parquet as pq

from canonical import canonical_rows

path = sys.argv[1]
table = pq.read_table(path)
columns = table.schema.names
answer = duckdb.execute("set timezone = 'UTC'; select * from read_parquet(?)", [path])
names = [column[0] for column in answer.description]
print(
    json.dumps(
        {
            "types": {field.name: str(field.type) for field in table.schema},
            "groups": pq.ParquetFile(path).num_row_groups,
            "pyarrow": canonical_rows(columns, table.to_pylist()),
            "duckdb": canonical_rows(columns, [dict(zip(names, row)) for row in answer.fetchall()]),
            "polars": canonical_rows(columns, polars.read_parquet(path).to_dicts()),
        }
    )
)
