/**
 * The definition under which the versions of a source were derived. Versions of another definition
 * are never read as if they were of the reader's own (law 11: a change gives no other number).
 */
import type { HistoryContext } from "./history-context.ts";
import { isTidemarkError, TidemarkError } from "../errors.ts";
import { nodeCrypto } from "../node-modules.ts";
import {
  columnReading,
  columnsDifference,
  rowsDifference,
  versionsDifference,
  type ColumnReading,
} from "../rows/definition-differences.ts";
import { tablesOf } from "../rows/source-tables.ts";
import {
  expectationsStored,
  storedExpectations,
  type StoredExpectation,
} from "../rows/stored-expectations.ts";
import type { SourceSpec } from "../specs.ts";
import type { MetadataStep, TableState } from "../spi.ts";

/** The key of the definition of the table's versions. */
const DEFINITION = "definition";
/** The changes that a reader derives versions from, if the table has none of its definition. */
const MAX_DERIVED_CHANGES = 200_000;

/** What the versions of a source depend on. */
interface VersionsDefinition {
  readonly table: string;
  readonly renamedFrom: readonly string[];
  readonly primaryKey: readonly string[];
  readonly keyFrom: NonNullable<SourceSpec["keyFrom"]>;
  readonly eventTime: SourceSpec["eventTime"];
  readonly columns: readonly ColumnReading[];
  /** Those that quarantine rows. Omitted if there are none. */
  readonly expectations?: readonly StoredExpectation[] | undefined;
}

function definitionOf(source: SourceSpec): VersionsDefinition {
  const expectations = storedExpectations(source);
  return {
    table: source.table,
    renamedFrom: source.renamedFrom ?? [],
    primaryKey: source.primaryKey,
    keyFrom: source.keyFrom ?? [],
    eventTime: source.eventTime,
    columns: source.columns.map(columnReading).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...(expectations === undefined ? {} : { expectations }),
  };
}

/** The definition as text. Equal texts have equal versions. */
export function definitionText(source: SourceSpec): string {
  return JSON.stringify(definitionOf(source));
}

function fingerprintOf(definition: VersionsDefinition): string {
  return nodeCrypto()
    .createHash("sha256")
    .update(`tidemark versions/1\n${JSON.stringify(definition)}`)
    .digest("hex")
    .slice(0, 32);
}

function storedDefinition(versions: TableState): VersionsDefinition | null {
  const text = versions.metadata.get(DEFINITION);
  return text === undefined ? null : (JSON.parse(text) as VersionsDefinition);
}

/** The start of the keys of the last versions of the table under other definitions. */
export const LAST_VERSION = "version/";
/** The key of the last version of the table that was derived under another definition. */
const lastKey = (fingerprint: string): string => `${LAST_VERSION}${fingerprint}`;

/** The text of a last version that no reader may read any more. */
export const NO_VERSION = "-1";

/**
 * The steps of the metadata that make the table's versions those of this definition. The table
 * remembers its last version of the definition before, unless `forgetsLast`.
 */
export function definitionSteps(
  source: SourceSpec,
  versions: TableState | null,
  forgetsLast = false,
): MetadataStep[] {
  const expected = versions?.metadata.get(DEFINITION) ?? null;
  const next = definitionText(source);
  if (expected === next) return [];
  const steps: MetadataStep[] = [{ key: DEFINITION, expected, next }];
  if (versions !== null && expected !== null) {
    const key = lastKey(fingerprintOf(JSON.parse(expected) as VersionsDefinition));
    const known = versions.metadata.get(key) ?? null;
    const last = forgetsLast ? NO_VERSION : JSON.stringify(versions.version);
    steps.push({ key, expected: known, next: last });
  }
  return steps;
}

/** The step that compares: the versions are of the same definition as when the table was read. */
export function compareDefinition(versions: TableState): MetadataStep {
  const text = versions.metadata.get(DEFINITION) ?? null;
  return { key: DEFINITION, expected: text, next: text };
}

/** Whether the table's versions were derived under exactly this definition. */
function isOwnDefinition(source: SourceSpec, versions: TableState): boolean {
  return versions.metadata.get(DEFINITION) === definitionText(source);
}

/**
 * Whether the table's versions hold all that this definition declares. Each column of a dimension
 * can begin a version, so a dimension needs exactly its own columns. Nothing counts which of a
 * renamed table's names the rows had, so the names must be the same.
 */
function covers(source: SourceSpec, versions: TableState): boolean {
  const there = derivedUnder(source, versions);
  if (there === null || rowsDifference(there, source) !== null) return false;
  const namesOf = (of: SourceSpec): string => tablesOf(of).toSorted().join("\0");
  if (namesOf(there) !== namesOf(source)) return false;
  const names = source.columns.map(({ name }) => name);
  return source.eventTime.kind === "committed"
    ? versionsDifference(there, source) === null
    : columnsDifference(there.columns, source, names) === null;
}

/**
 * The definition under which the table is compacted: that of its versions if they hold all that the
 * source declares. null: the versions must be rewritten first.
 */
export function compactedDefinition(source: SourceSpec, versions: TableState): SourceSpec | null {
  if (isOwnDefinition(source, versions)) return source;
  return covers(source, versions) ? derivedUnder(source, versions) : null;
}

/** The definition that the table's versions were derived under; null: the table does not say it. */
export function derivedUnder(source: SourceSpec, versions: TableState): SourceSpec | null {
  const stored = storedDefinition(versions);
  if (stored === null) return null;
  return {
    ...source,
    table: stored.table,
    renamedFrom: stored.renamedFrom,
    primaryKey: stored.primaryKey,
    keyFrom: stored.keyFrom.length === 0 ? undefined : stored.keyFrom,
    eventTime: stored.eventTime,
    columns: stored.columns.map(([name, database, type, precision, scale, zone, encoding]) => ({
      name,
      database,
      type,
      nullable: true,
      ...(precision === null ? {} : { precision }),
      ...(scale === null ? {} : { scale }),
      ...(zone === null ? {} : { zone }),
      ...(encoding === null ? {} : { encoding }),
    })),
    expectations: expectationsStored(stored.expectations),
  };
}

/**
 * Finds the version of the table that a reader of this definition may read: the newest, or its last
 * one of this definition. null: the reader derives the versions from the whole change log.
 *
 * @throws VERSIONS_OF_OTHER_DEFINITION when there is none, and the change log is too long for a
 * read.
 */
export async function readableVersions(
  { offline, source, tables }: HistoryContext,
  newest: TableState | null,
  log: TableState,
  signal?: AbortSignal,
): Promise<TableState | null> {
  if (newest === null || covers(source, newest)) return newest;
  const last = newest.metadata.get(lastKey(fingerprintOf(definitionOf(source))));
  if (last !== undefined) {
    const version = JSON.parse(last) as number;
    try {
      const state = await offline.state(tables.versions.name, { version, signal });
      if (state !== null && covers(source, state)) return state;
    } catch (error) {
      // a vacuum has removed the version
      if (!isTidemarkError(error)) throw error;
    }
  }
  if (log.rows <= MAX_DERIVED_CHANGES) return null;
  throw new TidemarkError(
    "VERSIONS_OF_OTHER_DEFINITION",
    `${offline.name}: table ${tables.versions.name} was derived under another definition of ` +
      `source "${source.name}", and the change log has ${log.rows} changes, too many to derive ` +
      "it for a read: rewrite it with tidemark apply (store.apply), or with tidemark optimize " +
      "(store.compact) where no registry is used; or deploy the definitions that were applied",
  );
}
