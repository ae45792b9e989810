/**
 * Plants faults in the changes that a path is fed, to prove that a suite notices them. Each fault
 * is a reader with one mistake. null means that the change is lost.
 */
import type { ValueType, SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";

/** The names of the faults. */
export type LogFaultName =
  | "delete lost"
  | "truncate lost"
  | "old key lost"
  | "LSN by arrival"
  | "commit time in milliseconds"
  | "commit time one microsecond late"
  | "event time one microsecond late"
  | "event time in milliseconds"
  | "placeholder taken for null"
  | "null taken for zero"
  | "empty text taken for null"
  | "unreadable message skipped"
  | "snapshot row taken for a change"
  | "snapshot row skipped"
  | "int64 through a double"
  | "float64 through a float32"
  | "decimal through a double";

type LogReader = (change: Change, source: SourceSpec) => Change | null;

/** The faulty readers by name. */
export const logFaults: Readonly<Record<LogFaultName, LogReader>> = {
  "delete lost": (change) => (change.kind === "delete" ? null : change),
  "truncate lost": (change) => (change.kind === "truncate" ? null : change),
  "old key lost": (change) => ({ ...change, oldKey: null }),
  "LSN by arrival": (change) => ({
    ...change,
    order: change.order === null ? null : BigInt(change.offset),
  }),
  "commit time in milliseconds": (change) => ({
    ...change,
    committed: change.committed === null ? null : Math.floor(change.committed / 1000) * 1000,
  }),
  "commit time one microsecond late": (change) => ({
    ...change,
    committed: change.committed === null ? null : change.committed + 1,
  }),
  "event time one microsecond late": (change, source) =>
    mapped(change, source, (value, _, name) =>
      source.eventTime.kind === "column" && source.eventTime.column === name && value !== null
        ? (value as number) + 1
        : value,
    ),
  "event time in milliseconds": (change, source) =>
    mapped(change, source, (value, kind) =>
      kind === "timestamp" && value !== null ? Math.floor((value as number) / 1000) * 1000 : value,
    ),
  "placeholder taken for null": (change) => ({ ...change, unavailable: [] }),
  "null taken for zero": (change, source) =>
    mapped(change, source, (value, kind) => value ?? zero(kind)),
  "empty text taken for null": (change, source) =>
    mapped(change, source, (value) => (value === "" ? null : value)),
  "unreadable message skipped": (change) => (change.undecodable === null ? change : null),
  "snapshot row taken for a change": (change) => ({ ...change, snapshot: false }),
  "snapshot row skipped": (change) => (change.op === "r" ? null : change),
  "int64 through a double": (change, source) =>
    mapped(
      change,
      source,
      (value, kind) =>
        kind === "int64" && value !== null ? BigInt.asIntN(64, BigInt(Number(value))) : value,
      true,
    ),
  "float64 through a float32": (change, source) =>
    mapped(change, source, (value, kind) =>
      kind === "float64" && value !== null && Math.abs(value as number) < 1e38
        ? Math.fround(value as number)
        : value,
    ),
  "decimal through a double": (change, source) =>
    mapped(
      change,
      source,
      (value, kind) => (kind === "decimal" && value !== null ? BigInt(Number(value)) : value),
      true,
    ),
};

/** Returns the changes as the faulty reader would give them. */
export function withLogFault(
  fault: LogFaultName,
  sources: readonly SourceSpec[],
  changes: readonly Change[],
): Change[] {
  const read = logFaults[fault];
  return changes.flatMap(
    (change) =>
      read(
        change,
        sources.find((source) => source.name === change.source)!,
      ) ?? [],
  );
}

function mapped(
  change: Change,
  source: SourceSpec,
  value: (value: Value, kind: ValueType, name: string) => Value,
  alsoKeys = false,
): Change {
  if (change.values === null || change.kind !== "upsert" || change.undecodable !== null)
    return change;
  const values = change.values.map((old, i): Value => {
    const column = source.columns[i]!;
    return (alsoKeys || !source.primaryKey.includes(column.name)) && !change.unavailable.includes(i)
      ? value(old, column.type, column.name)
      : old;
  });
  return { ...change, values };
}

function zero(kind: ValueType): Value {
  if (kind === "int64" || kind === "decimal") return 0n;
  return kind === "int32" || kind === "float64" ? 0 : null;
}
