"""
Prints the rows of a Parquet file, or of a Delta table, with lists, maps and structs: as PyArrow,
DuckDB and Polars read them, in their order. With `append` the rows of the table are written again.
"""

import json
import pathlib
import sys

import deltalake
import duckdb
import polars
import pyarrow.parquet as pq

from canonical import canonical_parts

path = pathlib.Path(sys.argv[1])
if path.is_dir():
    delta = deltalake.DeltaTable(str(path))
    table = delta.to_pyarrow_table()
    files = [uri.removeprefix("file://") for uri in delta.file_uris()]
    by_polars = polars.read_delta(str(path))
else:
    table = pq.read_table(path)
    files = [str(path)]
    by_polars = polars.read_parquet(path)
duckdb.execute("set timezone = 'UTC'")
answer = duckdb.execute("select * from read_parquet(?, union_by_name = true)", [files])
names = [column[0] for column in answer.description]
by_duckdb = [dict(zip(names, row)) for row in answer.fetchall()]


if "append" in sys.argv:
    deltalake.write_deltalake(str(path), table, mode="append")


def rows(dicts):
    return [[canonical_parts(field.type, row[field.name]) for field in table.schema] for row in dicts]


print(
    json.dumps(
        {
            "types": {field.name: str(field.type) for field in table.schema},
            "pyarrow": rows(table.to_pylist()),
            "duckdb": rows(by_duckdb),
            "polars": rows(by_polars.to_dicts()),
        }
    )
)
