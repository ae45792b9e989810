"""Writes Parquet files of lists, maps and structs with other tools. Prints their rows."""

import datetime
import decimal
import json
import pathlib
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

from canonical import canonical_parts

directory = pathlib.Path(sys.argv[1])
utc = datetime.timezone.utc
moments = [datetime.datetime(2025, 6, 6, 12, 0, 0, i, tzinfo=utc) for i in range(3)]
types = {
    "names": pa.list_(pa.string()),
    "grid": pa.list_(pa.list_(pa.int64())),
    "prices": pa.list_(pa.decimal128(20, 4)),
    "moments": pa.list_(pa.timestamp("us", tz="UTC")),
    "counts": pa.map_(pa.int64(), pa.float64()),
    "by_name": pa.map_(pa.string(), pa.list_(pa.int32())),
    "place": pa.struct([("city", pa.string()), ("at", pa.struct([("x", pa.float64())]))]),
    "visits": pa.list_(pa.struct([("day", pa.date32()), ("tags", pa.list_(pa.string()))])),
}
day = datetime.date(2025, 6, 6)
some = [
    {
        "names": ["a", None, "ü"],
        "grid": [[1, None], [], None, [2]],
        "prices": [decimal.Decimal("1.5000"), None],
        "moments": moments,
        "counts": [(-3, 0.5), (2**60, None)],
        "by_name": [("a", [1]), ("b", None), ("c", [])],
        "place": {"city": "x", "at": {"x": 1.5}},
        "visits": [{"day": day, "tags": ["t", "t"]}, None, {"day": None, "tags": None}],
    },
    {name: [] for name in types if name != "place"} | {"place": {"city": None, "at": None}},
    {name: None for name in types},
]
rows = [some[i * 7 % 3] for i in range(2000)]
schema = pa.schema(types)
frame = pa.Table.from_pylist(rows, schema)
canonical_rows = [[canonical_parts(of, row[name]) for name, of in types.items()] for row in rows]
for version in ["1.0", "2.0"]:
    for compliant in [True, False]:
        pq.write_table(
            frame,
            directory / f"pyarrow-{version}-{'element' if compliant else 'item'}.parquet",
            data_page_version=version,
            data_page_size=512,
            row_group_size=700,
            use_compliant_nested_type=compliant,
            use_dictionary=compliant,
        )
duckdb.sql(f"copy frame to '{directory / 'duckdb.parquet'}' (format parquet)")
# Polars has no maps.
polars.from_arrow(frame.drop_columns(["counts", "by_name"])).write_parquet(
    directory / "polars.parquet"
)
unsorted = pa.Table.from_pylist(
    [{"m": [("b", 1), ("", 2), ("a", None)]}, {"m": [("z", 3), ("é", 4), ("😀", 5), ("\uffff", 6)]}],
    pa.schema({"m": pa.map_(pa.string(), pa.int64())}),
)
pq.write_table(unsorted, directory / "unsorted.parquet")
twice = pa.Table.from_pylist(
    [{"m": [("b", 1), ("a", 2), ("b", 3)]}], pa.schema({"m": pa.map_(pa.string(), pa.int64())})
)
pq.write_table(twice, directory / "twice.parquet")
far = pa.Table.from_pylist(
    [{"l": [datetime.datetime(9999, 12, 31, tzinfo=utc)]}],
    pa.schema({"l": pa.list_(pa.timestamp("us", tz="UTC"))}),
)
pq.write_table(far, directory / "far.parquet")
print(json.dumps({"columns": list(types), "rows": canonical_rows}))
