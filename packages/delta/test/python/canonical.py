"""Formats values as the tests do: exact digits, the bits of doubles, dates as days."""

import datetime
import decimal
import struct

import pyarrow as pa

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def canonical(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - datetime.date(1970, 1, 1)).days)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    return str(value)


def canonical_rows(columns, rows):
    """Formats rows, which are dicts, in the order of their text."""
    return sorted(
        ([canonical(row[name]) for name in columns] for row in rows),
        key=lambda row: [str(cell) for cell in row],
    )


def canonical_parts(of, value):
    """Formats a value of an Arrow type. Lists, maps and structs are lists."""
    if value is None:
        return None
    if pa.types.is_map(of):
        return [
            [canonical_parts(of.key_type, key), canonical_parts(of.item_type, item)]
            for key, item in map_entries(value)
        ]
    if pa.types.is_list(of) or pa.types.is_large_list(of):
        return [canonical_parts(of.value_type, element) for element in value]
    if pa.types.is_struct(of):
        return [canonical_parts(field.type, value[field.name]) for field in of]
    return canonical(value)


def map_entries(value):
    """The entries of a map: DuckDB gives a dict, PyArrow pairs, Polars dicts of key and value."""
    if isinstance(value, dict):
        return value.items()
    return [(e["key"], e["value"]) if isinstance(e, dict) else e for e in value]
