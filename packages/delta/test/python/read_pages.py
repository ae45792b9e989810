"""
Prints what PyArrow, DuckDB and Polars find for keys in a file with small pages, and which columns
have a page index. Arguments: the file, the column of the keys, and the keys as JSON.
"""

import json
import sys

import duckdb
import polars
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from canonical import canonical_rows

path, column, keys = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
columns = pq.read_schema(path).names
group = pq.ParquetFile(path, page_checksum_verification=True).metadata.row_group(0)
chunks = [group.column(c) for c in range(group.num_columns)]
duckdb.execute("set timezone = 'UTC'")


def by_duckdb(key):
    answer = duckdb.execute(f"select * from read_parquet(?) where {column} = ?", [path, key])
    names = [one[0] for one in answer.description]
    return [dict(zip(names, row)) for row in answer.fetchall()]


def by_polars(key):
    return polars.scan_parquet(path).filter(polars.col(column) == key).collect().to_dicts()


def by_pyarrow(key):
    return ds.dataset(path).to_table(filter=ds.field(column) == key).to_pylist()


found = {
    name: {key: canonical_rows(columns, read(key)) for key in keys}
    for name, read in [("duckdb", by_duckdb), ("polars", by_polars), ("pyarrow", by_pyarrow)]
}
whole = pq.read_table(path, page_checksum_verification=True)
print(
    json.dumps(
        {
            **found,
            "rows": whole.num_rows,
            "offsets": [c.path_in_schema for c in chunks if c.has_offset_index],
            "bounds": [c.path_in_schema for c in chunks if c.has_column_index],
        }
    )
)
