/** Rows with all their versions, and where each version came from. */
import { quarantineOf, quarantineText } from "../rows/quarantine.ts";
import type { RowVersion } from "../rows/row-versions.ts";
import type { SourceSpec, Value, ViewSpec } from "../specs.ts";
import type { KeyValues } from "../request/entity-keys.ts";

/** A version of a row, as the stores know it. */
export interface LoggedVersion {
  /** Known from, µs. */
  readonly from: number;
  /** Known to, µs. Infinity: the version is the current one. */
  readonly to: number;
  /** By the index of the source's columns. null: the row was deleted. */
  readonly values: readonly Value[] | null;
  /** Whether the version has the key that was asked. A deleted row has none. */
  readonly isHere: boolean;
  /** Why the version is in no window, as `column: reason`; null: it is in windows. */
  readonly quarantine: string | null;
  readonly order: bigint;
  readonly offset: number;
  /** The commit time of the last change that left the row so, µs. */
  readonly committed: number;
}

/** Makes a version of one that was derived. `values`: those that the definitions declare. */
export function loggedVersion(
  { from, to, order, offset, committed }: RowVersion,
  values: readonly Value[] | null,
  isHere: boolean,
  quarantine: string | null,
): LoggedVersion {
  return { from, to, values, isHere, quarantine, order, offset, committed };
}

/** Why a version is in no window. `time`: the index of the event time in the source's columns. */
export function quarantineOfVersion(
  source: SourceSpec,
  time: number,
  version: RowVersion,
): string | null {
  const { values } = version;
  if (values === null) return null;
  return quarantineText(quarantineOf(source, time, [], { ...version, values }));
}

/** A row that belongs to an entity, or once did. */
export interface LoggedRow {
  readonly source: SourceSpec;
  /** Equal for rows of one primary key. */
  readonly text: string;
  readonly key: readonly Value[];
  /** Oldest first. Those of other entities may be missing, and so may the deletion. */
  readonly versions: readonly LoggedVersion[];
}

/** Where a change stands in the log. */
export interface LogOrigin {
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number;
  readonly transaction: string | null;
}

/** What ended a version whose next version is not among those of the entity. */
export interface VersionEnd extends LogOrigin {
  readonly kind: "deleted" | "emptied" | "changed";
  readonly order: bigint;
  readonly committed: number;
  /** The row after the change. null: there is none. */
  readonly values: readonly Value[] | null;
}

/** A version whose place in the log is asked. */
export interface AskedVersion {
  readonly row: LoggedRow;
  readonly version: LoggedVersion;
}

/** The places of versions in the log. */
export interface LogPlaces {
  /** undefined: the log no longer says it. */
  readonly origins: ReadonlyMap<LoggedVersion, LogOrigin>;
  readonly ends: ReadonlyMap<LoggedVersion, VersionEnd>;
}

/** What an explanation reads. All calls of one explanation read one state of the tables. */
export interface LoggedRows {
  /** Whether columns that no feature reads are there too. */
  readonly hasAllColumns: boolean;
  /** Reads the rows of an entity in one table. `reading`: the view, as it reads this table. */
  rowsOf(reading: ViewSpec, keys: KeyValues): Promise<readonly LoggedRow[]>;
  /** Reads the rows of a dimension with these primary keys, by their texts. */
  dimensionRows(
    dimension: SourceSpec,
    keys: ReadonlyMap<string, readonly Value[]>,
  ): Promise<ReadonlyMap<string, LoggedRow>>;
  /** Finds versions in the log, and what ended those whose next version is missing. */
  placesOf(versions: readonly AskedVersion[]): Promise<LogPlaces>;
}
