"""Changes a Delta table by delta-rs: the folder, then `optimize` or the predicate of a DELETE."""

import sys

from deltalake import DeltaTable

table = DeltaTable(sys.argv[1])
if sys.argv[2] == "optimize":
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
else:
    table.delete(sys.argv[2])
DeltaTable(sys.argv[1]).create_checkpoint()
