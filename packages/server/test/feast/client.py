"""
Runs Feast's client for a test. It makes a feature repository whose online store is remote, and
answers each line of JSON with a line of JSON.
"""

import json
import logging
import sys
import warnings
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    PushSource,
    ValueType,
)
from feast.types import Float64, Int64, String

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
TYPES = {"float64": Float64, "int64": Int64, "string": String}


def stored(path, columns):
    """Writes a file that Feast requires. Nothing is read from it."""
    pd.DataFrame(columns).to_parquet(path)
    return FileSource(name=path.stem, path=str(path), timestamp_field="event_timestamp")


def apply(store, folder, views, services):
    now = pd.Timestamp("2025-03-10", tz="UTC")
    made = {}
    for name, view in views.items():
        key = view["key"]
        entity = Entity(
            name=view["entity"],
            join_keys=[key],
            value_type=ValueType.INT64 if view["key_type"] == "int64" else ValueType.STRING,
        )
        fields = {feature: TYPES[kind] for feature, kind in view["features"].items()}
        columns = {key: [1 if view["key_type"] == "int64" else "a"], "event_timestamp": [now]}
        columns |= {
            feature: [1.0 if kind == Float64 else 1 if kind == Int64 else "a"]
            for feature, kind in fields.items()
        }
        source = stored(folder / f"{name}.parquet", columns)
        if "push_source" in view:
            source = PushSource(name=view["push_source"], batch_source=source)
        made[name] = FeatureView(
            name=name,
            entities=[entity],
            ttl=timedelta(days=7),
            schema=[Field(name=feature, dtype=kind) for feature, kind in fields.items()],
            source=source,
            online=True,
        )
        store.apply([entity, source, made[name]])
    store.apply(
        [
            FeatureService(
                name=name,
                features=[
                    made[view][features] if features else made[view] for view, features in parts
                ],
            )
            for name, parts in services.items()
        ]
    )


def typed(value):
    """Returns the type of a value, and all its digits."""
    return [type(value).__name__, repr(value)]


def answer(store, asked):
    call = asked["call"]
    if call == "get":
        features = (
            store.get_feature_service(asked["service"]) if "service" in asked else asked["features"]
        )
        response = store.get_online_features(
            features=features,
            entity_rows=asked["entity_rows"],
            full_feature_names=asked.get("full", False),
        )
        statuses = {
            name: [int(status) for status in result.statuses]
            for name, result in zip(
                response.proto.metadata.feature_names.val, response.proto.results
            )
        }
        return {
            "values": {
                name: [typed(value) for value in values]
                for name, values in response.to_dict().items()
            },
            "statuses": statuses,
        }
    frame = pd.DataFrame(asked["df"])
    frame["event_timestamp"] = pd.to_datetime(frame["event_timestamp"], utc=True, format="ISO8601")
    if call == "push":
        store.push(asked["source"], frame)
    elif call == "write":
        store.write_to_online_store(asked["view"], frame)
    else:
        raise ValueError(call)
    return {}


def main():
    folder = Path(sys.argv[1])
    stores = {}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["call"] == "connect":
                # All stores have one registry, as a team has. JSON is YAML.
                file = folder / "feature_store.yaml"
                file.write_text(
                    json.dumps({"registry": str(folder / "registry.db"), **asked["feature_store"]})
                )
                stores[asked["store"]] = FeatureStore(repo_path=str(folder))
                said = {}
            elif asked["call"] == "apply":
                apply(stores[asked["store"]], folder, asked["views"], asked["services"])
                said = {}
            else:
                said = answer(stores[asked["store"]], asked)
        except Exception as error:  # the error that a user of the client meets
            said = {
                "error": f"{type(error).__module__}.{type(error).__name__}",
                "message": str(error),
            }
        print(json.dumps(said), flush=True)


main()
