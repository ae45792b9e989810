"""
Writes files of labels by PyArrow in each unit of time and codec, by DuckDB and by Polars. Prints
their rows.
"""

import datetime
import json
import pathlib
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

from canonical import canonical_rows

directory = pathlib.Path(sys.argv[1])
utc = datetime.timezone.utc
times = [
    datetime.datetime(1969, 12, 31, 23, 59, 58, 1000, tzinfo=utc)
    + datetime.timedelta(milliseconds=7 * i * 86_400_123)
    for i in range(500)
]
frame = {
    "user_id": [None if i % 11 == 0 else f"user_é_{i % 40:06}" for i in range(500)],
    "account": [2**62 + i for i in range(500)],
    "weight": [None if i % 5 == 0 else i / 7 for i in range(500)],
    "label": [i % 3 == 0 for i in range(500)],
    "n": [i for i in range(500)],
}
expected = {}


def write(name, table, **options):
    pq.write_table(table, directory / name, **options)
    expected[name] = {
        "columns": table.schema.names,
        "rows": [
            [cell for cell in row] for row in canonical_rows(table.schema.names, table.to_pylist())
        ],
    }


for unit in ["s", "ms", "us", "ns"]:
    floor = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 1}[unit]
    stamps = [t - datetime.timedelta(microseconds=t.microsecond % floor) for t in times]
    table = pa.table(
        {
            **frame,
            "event_timestamp": pa.array(
                stamps, pa.timestamp(unit, tz="Europe/Berlin" if unit == "us" else "UTC")
            ),
        }
    )
    write(
        f"pyarrow-{unit}.parquet",
        table,
        compression={"s": "zstd", "ms": "gzip", "us": "snappy", "ns": "none"}[unit],
        row_group_size=170,
        data_page_version="2.0" if unit == "ms" else "1.0",
    )
table = pa.table(
    {
        **frame,
        "user_id": pa.array(frame["user_id"]).dictionary_encode(),
        "event_timestamp": pa.array(times, pa.timestamp("us", tz="UTC")),
    }
)
write("dictionary.parquet", table, dictionary_pagesize_limit=64, data_page_size=256)
write(
    "plain.parquet",
    table,
    use_dictionary=False,
    column_encoding={"account": "DELTA_BINARY_PACKED", "n": "DELTA_BINARY_PACKED"},
    compression="brotli",
)
write("int96.parquet", table, use_deprecated_int96_timestamps=True)
write("empty.parquet", table.slice(0, 0))

labels = table
duckdb.sql(
    f"copy (select * from labels order by n) to '{directory / 'duckdb.parquet'}' "
    "(format parquet, row_group_size 2048)"
)
polars.from_arrow(table).write_parquet(directory / "polars.parquet")
for name in ["duckdb.parquet", "polars.parquet"]:
    expected[name] = expected["dictionary.parquet"]
print(json.dumps(expected))
