"""Prints what deltalake, Polars and DuckDB each read in a table that Tidemark wrote."""

import json
import pathlib
import sys

import deltalake
import duckdb
import polars
import pyarrow

from canonical import canonical_rows

path = sys.argv[1]
table = deltalake.DeltaTable(path)
arrow = table.to_pyarrow_table()
columns = arrow.schema.names
found = {
    "version": table.version(),
    "partitions": table.metadata().partition_columns,
    "types": {field.name: [str(field.type), field.nullable] for field in arrow.schema},
    "files": len(table.file_uris()),
    "numRecords": sum(
        pyarrow.table(table.get_add_actions(flatten=True))["num_records"].to_pylist()
    ),
    "deltalake": canonical_rows(columns, arrow.to_pylist()),
    "polars": canonical_rows(columns, polars.read_delta(path).to_dicts()),
    "pushed": canonical_rows(
        columns, table.to_pyarrow_table(filters=[("id", ">=", 0)]).to_pylist()
    ),
}

connection = duckdb.connect()
answer = connection.execute("select * from arrow")
names = [column[0] for column in answer.description]
found["duckdb"] = canonical_rows(columns, [dict(zip(names, row)) for row in answer.fetchall()])

# Reads the files as plain Parquet. The files hold no partition columns.
stored = [name for name in columns if name not in found["partitions"]]
files = [uri.removeprefix("file://") for uri in table.file_uris()]
answer = connection.execute(
    "select * from read_parquet(?, union_by_name = true, hive_partitioning = false)", [files]
)
names = [column[0] for column in answer.description]
found["stored"] = names
found["parquet"] = canonical_rows(stored, [dict(zip(names, row)) for row in answer.fetchall()])
found["expected parquet"] = canonical_rows(stored, arrow.to_pylist())

# Writes the table with delta-rs: it appends a row and deletes one.
if len(sys.argv) > 2:
    first = arrow.slice(0, 1)
    deltalake.write_deltalake(path, first, mode="append")
    pathlib.Path(sys.argv[2]).write_text("appended")
    table = deltalake.DeltaTable(path)
    table.delete(f"id = {first['id'][0].as_py()}")
    table.optimize.compact()
    table.create_checkpoint()
    found["after"] = canonical_rows(
        columns, deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()
    )

print(json.dumps(found))
