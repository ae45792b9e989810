"""Formats values as the tests do: exact digits, the bits of doubles, dates as days."""

import datetime
import decimal
import struct

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
