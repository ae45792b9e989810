"""
Prints columns of a Parquet file or a Delta table, as PyArrow, Polars and DuckDB read them. Numbers
are text, and maps are pairs.
"""

import json
import pathlib
import sys

import deltalake
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

path, columns = sys.argv[1], sys.argv[2:]
if pathlib.Path(path).is_dir():
    delta = deltalake.DeltaTable(path)
    table = delta.to_pyarrow_table(columns=columns)
    files = [uri.removeprefix("file://") for uri in delta.file_uris()]
    by_polars = polars.read_delta(path)
else:
    table = pq.read_table(path, columns=columns)
    files = [path]
    by_polars = polars.read_parquet(path)
names = ", ".join(columns)
by_duckdb = duckdb.execute(f"SELECT {names} FROM read_parquet(?)", [files]).fetchall()


def printed(of, value):
    if value is None:
        return None
    if pa.types.is_map(of):
        entries = value.items() if isinstance(value, dict) else map(pair, value)
        return [[printed(of.key_type, k), printed(of.item_type, v)] for k, v in entries]
    if pa.types.is_list(of):
        return [printed(of.value_type, element) for element in value]
    # JavaScript writes whole doubles without a point
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def pair(entry):
    return (entry["key"], entry["value"]) if isinstance(entry, dict) else entry


def rows(values):
    return [[printed(of, value) for of, value in zip(types, row)] for row in values]


types = [table.schema.field(name).type for name in columns]
print(
    json.dumps(
        {
            "pyarrow": rows([[row[name] for name in columns] for row in table.to_pylist()]),
            "polars": rows(by_polars.select(columns).rows()),
            "duckdb": rows(by_duckdb),
        }
    )
)
