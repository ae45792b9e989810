/**
 * Faults that the oracle makes on request. A suite that does not notice such a fault proves
 * nothing.
 */
export const oracleFaults = {
  "near edge closed": "the event at t counts",
  "far edge open": "the event at t − w does not count",
  "window aligned to days": "the window begins at midnight",
  "float subtract": "a running double from which leaving events are subtracted",
  "float rounded at each step": "doubles added one by one",
  "int64 wraps": "a sum beyond int64 wraps around",
  "decimal does not saturate": "a sum beyond decimal(38, s) is kept",
  "negative zero kept": "an answer may be −0",
  "count counts nulls": "count(column) counts missing values",
  "null is zero": "sum, avg, min and max take a missing number for 0",
  "distinct by text": "countDistinct takes −0 and 0 for two values",
  "text by UTF-16": "strings go by UTF-16 units",
  "unknown passes": "a condition that is neither true nor false passes",
  "default forgotten": "null stays although the feature has a default",
  "status of own window": "NOT_FOUND by the feature's own window, not by the view's longest",
  "tie by arrival": "of facts with one time the last to arrive wins",
  "tie ignores created": "of facts with one time the larger primary key wins at once",
  "ttl exclusive": "the fact at t − ttl has expired",
  "fact at t unseen": "the fact stamped t does not hold at t",
  "stale is not found": "a fact past its ttl answers NOT_FOUND",
  "lower LSN applied": "the last to arrive wins",
  "no tombstone": "a late change of a deleted row brings it back",
  "replace ignored": "an update adds to what the row counted before",
  "delete ignored": "a deleted row stays",
  "truncate ignored": "a truncate does nothing",
  "truncate forgets": "a row that arrives after a truncate of a higher LSN stays",
  "old key ignored": "a create with an old key leaves the old row",
  "placeholder is null": "a column the log left out becomes missing",
  "broken row stays": "an unreadable change leaves the row as it was",
  "null time dropped":
    "a change to a null event time is not applied, so the row stays where it was",
  "known from not raised": "a version may begin before the one it replaces",
  "known from closed": "a version is seen at the instant of its commit",
  "known to open": "a version is unseen at the instant it is replaced",
  "commit time ignored": "as known answers as corrected",
  "equal upsert makes a version": "a repeated image restarts a dimension's version",
  "dimension by final rows": "as corrected sees a dimension's last version at every time",
  "since ignored": "a snapshot row holds from the snapshot only",
} as const;

/** The names of the faults. */
export type OracleFault = keyof typeof oracleFaults;
