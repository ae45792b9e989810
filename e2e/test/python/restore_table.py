"""Restores a Delta table by delta-rs: the table's folder, then a version."""

import sys

from deltalake import DeltaTable

table = DeltaTable(sys.argv[1])
table.restore(int(sys.argv[2]))
if len(sys.argv) > 3:
    DeltaTable(sys.argv[1]).create_checkpoint()
