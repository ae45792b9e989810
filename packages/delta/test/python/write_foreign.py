"""
Writes Parquet files with what other tools put there: codecs, far times, uuids, times of day, types
that Tidemark has no value type for. Prints what the values are.
"""

import datetime
import decimal
import json
import pathlib
import sys
import uuid

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

directory = pathlib.Path(sys.argv[1])
keys = [f"user_é_{i % 7}" for i in range(3000)]
frame = pa.table({"user_id": keys, "n": pa.array(range(3000), pa.int64())})
for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    for version in ["1.0", "2.0"]:
        pq.write_table(
            frame,
            directory / f"codec-pyarrow-{codec}-{version}.parquet",
            compression=codec,
            data_page_version=version,
            data_page_size=4096,
        )
for codec in ["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    polars.from_arrow(frame).write_parquet(
        directory / f"codec-polars-{codec}.parquet", compression=codec
    )
for codec in ["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4", "lz4_raw"]:
    duckdb.sql(
        f"copy frame to '{directory / f'codec-duckdb-{codec}.parquet'}' "
        f"(format parquet, codec '{codec}')"
    )

utc = datetime.timezone.utc
far = [
    datetime.datetime(1, 1, 1, tzinfo=utc),
    datetime.datetime(9999, 12, 31, tzinfo=utc),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=utc),
    None,
    datetime.datetime(2025, 6, 6, 12, tzinfo=utc),
]
naive = [None if time is None else time.replace(tzinfo=None) for time in far]
ids = [uuid.UUID(int=2**127 - 1 - i) for i in range(5)]
pq.write_table(
    pa.table(
        {
            "us": pa.array(far, pa.timestamp("us", tz="UTC")),
            "ms": pa.array(far, pa.timestamp("ms", tz="UTC")),
            "naive": pa.array(naive, pa.timestamp("us")),
            "day": pa.array([time and time.date() for time in far], pa.date32()),
            "half": pa.array([0.5, -2.0, None, 65504.0, 6e-8]).cast(pa.float16()),
            "clock": pa.array([datetime.time(23, 59, 59, 7)] * 4 + [None], pa.time64("us")),
            "clock_ms": pa.array([datetime.time(1, 2, 3, 4000)] * 4 + [None], pa.time32("ms")),
            "clock_ns": pa.array([1] * 5, pa.time64("ns")),
            "u8": pa.array([255] * 5, pa.uint8()),
            "u32": pa.array([2**32 - 1] * 5, pa.uint32()),
            "u64": pa.array([2**64 - 1] * 5, pa.uint64()),
            "raw16": pa.array([b"0123456789abcdef"] * 5, pa.binary(16)),
            "dictionary": pa.array(["a", "b", "a", None, "c"]).dictionary_encode(),
            "wide": pa.array([decimal.Decimal(1)] * 5, pa.decimal256(76, 0)),
            "list": pa.array([[1, 2]] * 5),
            "struct": pa.array([{"a": 1}] * 5),
            "map": pa.array([[("a", 1)]] * 5, pa.map_(pa.string(), pa.int64())),
        }
    ),
    directory / "types.parquet",
)
# The types that PyArrow writes with another tool's names: uuid, enum, interval, hugeint, json.
duckdb.sql(
    "copy (select uuid() as id, 'x'::enum('x', 'y') as kind, interval 1 day as span, "
    "170::hugeint as huge, '{\"a\": 1}'::json as doc, time '09:30:00.125' as clock, "
    "timestamp '9999-12-31 00:00:00' as valid_to) "
    f"to '{directory / 'duckdb-types.parquet'}' (format parquet)"
)
twice = pa.Table.from_arrays([pa.array([1]), pa.array(["a"])], names=["y", "y"])
pq.write_table(twice, directory / "twice.parquet")
spark = directory / "spark.parquet"
spark.mkdir()
(spark / "_SUCCESS").write_text("")
(spark / "._SUCCESS.crc").write_text("x")
for part in range(3):
    pq.write_table(frame.slice(part * 1000, 1000), spark / f"part-0000{part}-x.snappy.parquet")
print(json.dumps({"rows": [[key, str(i)] for i, key in enumerate(keys)]}))
