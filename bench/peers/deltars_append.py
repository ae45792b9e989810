"""
Appends the rows of a Delta table to a new one with delta-rs, in commits of so many rows. The rows
are in Arrow's memory before. Prints seconds and processor time of the appends, and bytes, as JSON.
"""

import json
import os
import sys
import time

import deltalake
from deltalake import DeltaTable, write_deltalake

source, target, commit = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows = DeltaTable(source).to_pyarrow_table().combine_chunks()
began, used = time.perf_counter(), time.process_time()
for start in range(0, rows.num_rows, commit):
    write_deltalake(target, rows.slice(start, commit), mode="append")
seconds, cpu = time.perf_counter() - began, time.process_time() - used
size = sum(
    os.path.getsize(os.path.join(folder, name))
    for folder, _, names in os.walk(target)
    for name in names
    if name.endswith(".parquet")
)
print(
    json.dumps(
        {
            "rows": DeltaTable(target).to_pyarrow_table(columns=["_offset"]).num_rows,
            "seconds": seconds,
            "cpu": cpu,
            "bytes": size,
            "version": deltalake.__version__,
        }
    )
)
