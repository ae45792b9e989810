"""
Runs Feast's materialize: rows of seven precomputed features, from a Parquet file into its SQLite
online store. Prints the seconds of the call.
"""

import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq

os.environ.setdefault("FEAST_USAGE", "False")
from feast import (
    Entity,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    RepoConfig,
    ValueType,
)  # noqa: E402
from feast.types import Float64, Int64  # noqa: E402

folder, rows_file = sys.argv[1], sys.argv[2]
rows = pq.read_table(rows_file)
stamp = rows.column("event_timestamp")[0].as_py()
stamps = pa.array([stamp] * rows.num_rows, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
rows = rows.set_column(rows.schema.get_field_index("event_timestamp"), "event_timestamp", stamps)
path = os.path.join(folder, "rows.parquet")
pq.write_table(rows, path)

kinds = {"int64": Int64, "double": Float64}
schema = [
    Field(name=field.name, dtype=kinds[str(field.type)])
    for field in rows.schema
    if field.name not in ("user_id", "event_timestamp")
]
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
view = FeatureView(
    name="weekly_activity",
    entities=[user],
    ttl=timedelta(0),
    schema=schema,
    source=FileSource(path=path, timestamp_field="event_timestamp"),
    online=True,
)
store = FeatureStore(
    config=RepoConfig(
        project="bank",
        provider="local",
        registry=os.path.join(folder, "registry.db"),
        entity_key_serialization_version=3,
        online_store={"type": "sqlite", "path": os.path.join(folder, "online.db")},
        offline_store={"type": "file"},
    )
)
store.apply([user, view])
time_of = datetime.fromtimestamp(stamp / 1e6, timezone.utc)
began, used = time.perf_counter(), time.process_time()
store.materialize(start_date=time_of - timedelta(days=7), end_date=time_of + timedelta(seconds=1))
seconds, cpu = time.perf_counter() - began, time.process_time() - used
first = rows.slice(0, 1).to_pylist()[0]
got = store.get_online_features(
    features=[f"weekly_activity:{field.name}" for field in schema],
    entity_rows=[{"user_id": first["user_id"]}],
).to_dict()
wrong = [name for name, (value,) in got.items() if value != first[name]]
if wrong:
    raise SystemExit(f"Feast answers {got} for {first}")
import feast  # noqa: E402

print(
    json.dumps(
        {
            "rows": rows.num_rows,
            "features": len(schema),
            "seconds": seconds,
            "cpu": cpu,
            "version": feast.__version__,
        }
    )
)
