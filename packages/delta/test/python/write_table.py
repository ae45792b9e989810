"""
Writes a table with deltalake: several commits, partitions, an added column, deleted rows, a
checkpoint. Prints its rows.
"""

import datetime
import decimal
import json
import sys

import deltalake
import pyarrow as pa

from canonical import canonical_rows

path = sys.argv[1]
utc = datetime.timezone.utc
schema = pa.schema(
    [
        pa.field("part", pa.string()),
        pa.field("id", pa.int64(), nullable=False),
        pa.field("small", pa.int16()),
        pa.field("tiny", pa.int8()),
        pa.field("int", pa.int32()),
        pa.field("single", pa.float32()),
        pa.field("double", pa.float64()),
        pa.field("flag", pa.bool_()),
        pa.field("text_é☂", pa.string()),
        pa.field("raw", pa.binary()),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("naive", pa.timestamp("us")),
        pa.field("price", pa.decimal128(38, 9)),
        pa.field("cents", pa.decimal128(7, 2)),
        pa.field("middle", pa.decimal128(18, 4)),
        pa.field("tags", pa.list_(pa.string())),
    ]
)


def row(i):
    if i % 7 == 6:
        return {name: (i if name == "id" else None) for name in schema.names}
    return {
        "part": ["x y", "é/ü=1", None][i % 3],
        "id": i * 2**40 - 2**50,
        "small": -i,
        "tiny": i % 100,
        "int": i * 1000 - 2**31,
        "single": i / 3,
        "double": -0.0 if i == 0 else i / 7,
        "flag": i % 2 == 0,
        "text_é☂": f"naïve 😀 {i}",
        "raw": bytes([i % 256, 0, 255]),
        "day": datetime.date(1969, 12, 25) + datetime.timedelta(days=i * 50),
        "at": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999 - i, tzinfo=utc),
        "naive": datetime.datetime(2024, 2, 29, 1, 2, 3, i),
        "price": decimal.Decimal(i) * decimal.Decimal("-12345678901234567890.123456789"),
        "cents": decimal.Decimal(i) / 100,
        "middle": decimal.Decimal("99999999999999.9999") - i,
        "tags": [str(i)],
    }


def rows(start, end):
    return pa.Table.from_pylist([row(i) for i in range(start, end)], schema=schema)


deltalake.write_deltalake(path, rows(0, 40), partition_by=["part"])
deltalake.write_deltalake(path, rows(40, 60), mode="append")
table = deltalake.DeltaTable(path)
table.delete("small = -3")
table.create_checkpoint()
more = rows(60, 70).append_column("later", pa.array([f"later {i}" for i in range(10)]))
deltalake.write_deltalake(path, more, mode="append", schema_mode="merge")

table = deltalake.DeltaTable(path)
arrow = table.to_pyarrow_table()
columns = [name for name in arrow.schema.names if name != "tags"]
print(
    json.dumps(
        {
            "version": table.version(),
            "columns": columns,
            "rows": canonical_rows(columns, arrow.to_pylist()),
        }
    )
)
