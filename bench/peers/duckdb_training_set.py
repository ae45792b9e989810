"""
Computes a training set with DuckDB from the files of Tidemark's lake and a file of labels, and
writes it as Parquet. Prints seconds, processor time and peak memory as JSON.
"""

import json
import resource
import sys
import time

import duckdb

from duckdb_bank import QUESTIONS, connect

lake, labels, out, question, knowledge, form = sys.argv[1:7]
con = connect(lake, labels, knowledge)
sql = QUESTIONS[question](knowledge, form == "tuned")
began, used = time.perf_counter(), time.process_time()
con.execute(f"copy ({sql}) to '{out}' (format parquet, compression zstd)")
seconds, cpu = time.perf_counter() - began, time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
# ru_maxrss is in KiB, on macOS in bytes
peak_mib = peak / 1024 / (1024 if sys.platform == "darwin" else 1)
print(
    json.dumps(
        {"seconds": seconds, "cpu": cpu, "peakMiB": peak_mib, "version": duckdb.__version__}
    )
)
