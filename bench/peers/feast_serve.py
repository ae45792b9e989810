"""
Starts Feast's own server over its SQLite online store with seven precomputed features. The server
has one worker and no access log, and does not restart after a thousand requests.
"""

import json
import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

os.environ.setdefault("FEAST_USAGE", "False")
import pandas as pd  # noqa: E402
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType  # noqa: E402
from feast.types import Float64, Int64  # noqa: E402

folder, port = Path(sys.argv[1]), int(sys.argv[2])
frame = pd.DataFrame(json.loads((folder / "rows.json").read_text()))
features = [name for name in frame.columns if name != "user_id"]
frame["event_timestamp"] = pd.Timestamp(datetime.now(timezone.utc))
frame.head(1).to_parquet(folder / "rows.parquet")
kinds = {name: Int64 if name.startswith("num_") else Float64 for name in features}
for name in features:
    frame[name] = frame[name].astype("int64" if kinds[name] == Int64 else "float64")

(folder / "feature_store.yaml").write_text(
    json.dumps(
        {
            "project": "bank",
            "provider": "local",
            "registry": str(folder / "registry.db"),
            "entity_key_serialization_version": 3,
            "online_store": {"type": "sqlite", "path": str(folder / "online.db")},
            "offline_store": {"type": "file"},
        }
    )
)
store = FeatureStore(repo_path=str(folder))
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
source = FileSource(path=str(folder / "rows.parquet"), timestamp_field="event_timestamp")
store.apply(
    [
        user,
        FeatureView(
            name="weekly_activity",
            entities=[user],
            ttl=timedelta(0),
            schema=[Field(name=name, dtype=kind) for name, kind in kinds.items()],
            source=source,
            online=True,
        ),
    ]
)
store.write_to_online_store("weekly_activity", frame)
store.serve(
    "127.0.0.1",
    port,
    no_access_log=True,
    workers=1,
    max_requests=0,
    max_requests_jitter=0,
    registry_ttl_sec=3600,
)
