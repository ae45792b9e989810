/** Reads changes under another definition of their source than the one they were decoded with. */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, LoggedRow } from "../spi.ts";
import type { DebeziumFormat } from "./debezium/debezium-format.ts";
import { debeziumReader } from "./debezium/debezium-reader.ts";
import { originalTable } from "../rows/source-tables.ts";
import { readJsonRow } from "./json-format.ts";
import { type LoggedReading, NO_ROW } from "./logged-reading.ts";
import { valuesLogger, valuesReader } from "./values-format.ts";

/** Reads a change from its logged row. */
type LoggedReader = (change: Change, logged: LoggedRow) => LoggedReading;

/** The formats whose readers are kept. A log seldom has more. */
const MAX_FORMATS = 1_000;

/**
 * Makes the reader of changes under a definition of their source. `decodedUnder` is the definition
 * of the values of changes without a logged row. Without it, such a change stays as it is.
 *
 * @throws ROW_FORMAT_UNKNOWN when a newer version of Tidemark logged the row.
 * @throws HISTORY_OLDER_FORMAT when an older version logged it.
 */
export function changeReader(
  source: SourceSpec,
  decodedUnder?: SourceSpec,
): (change: Change) => Change {
  const readingOf = loggedReadings(source);
  const log = decodedUnder === undefined ? () => undefined : valuesLogger(decodedUnder);
  return (change) => {
    const logged = change.logged ?? log(change);
    const reading = logged === undefined ? null : readingOf(change, logged);
    return reading === null ? change : { ...change, ...reading };
  };
}

/**
 * Makes the reader of logged rows under a definition of their source. Null: the change has no row
 * to read.
 *
 * @throws ROW_FORMAT_UNKNOWN when a newer version of Tidemark logged the row.
 * @throws HISTORY_OLDER_FORMAT when an older version logged it.
 */
export function loggedReadings(
  source: SourceSpec,
): (change: Change, logged: LoggedRow) => LoggedReading | null {
  const readers = new Map<string, LoggedReader>();
  let last: { readonly format: string; readonly read: LoggedReader } | null = null;
  return (change, logged) => {
    const { format } = logged;
    if (last?.format !== format) {
      let read = readers.get(format);
      if (read === undefined) {
        if (readers.size >= MAX_FORMATS) readers.clear();
        readers.set(format, (read = readerOf(source, format)));
      }
      last = { format, read };
    }
    const { read } = last;
    // a truncate has no row
    return change.kind === "truncate" && read !== ofOtherTable ? null : read(change, logged);
  };
}

/**
 * Makes the function that names the table of a change. `decodedUnder` is the definition of changes
 * without a logged row.
 */
export function loggedTables(decodedUnder: SourceSpec): (change: Change) => string {
  const tables = new Map<string, string>();
  const original = originalTable(decodedUnder);
  return ({ logged }) => {
    if (logged === undefined) return original;
    let table = tables.get(logged.format);
    if (table === undefined) {
      if (tables.size >= MAX_FORMATS) tables.clear();
      ({ table } = JSON.parse(logged.format) as { readonly table: string });
      tables.set(logged.format, table);
    }
    return table;
  };
}

/** A row of a table that the definition does not name changes nothing. */
const ofOtherTable: LoggedReader = () => NO_ROW;

function readerOf(source: SourceSpec, text: string): LoggedReader {
  const format = JSON.parse(text) as {
    readonly format: string;
    readonly table: string;
    readonly erased?: true;
  };
  // what was erased of a key is no key of a row that stays
  const erasedOrNot = (read: LoggedReader): LoggedReader =>
    format.erased !== true
      ? read
      : (change, logged) => {
          const reading = read(change, logged);
          return reading.values === null ? NO_ROW : reading;
        };
  if (format.table !== source.table && source.renamedFrom?.includes(format.table) !== true)
    return ofOtherTable;
  switch (format.format) {
    case "debezium":
      checkFacts(source, format as DebeziumFormat);
      return debeziumReader(source, format as DebeziumFormat);
    case "json":
      return erasedOrNot((change, logged) => readJsonRow(source, logged, change));
    case "values":
      return erasedOrNot(
        valuesReader(source, format as unknown as Parameters<typeof valuesReader>[1]),
      );
    default:
      throw new TidemarkError(
        "ROW_FORMAT_UNKNOWN",
        `the change log of source "${source.name}" holds rows of the format ` +
          `${JSON.stringify(format.format)}, which this version of Tidemark does not read; use ` +
          "the version that wrote it, or a newer one",
      );
  }
}

/** Refuses what an older version knew of decimals, which depended on where its runs began. */
function checkFacts({ name }: SourceSpec, { facts = {} }: DebeziumFormat): void {
  if (!Object.values(facts).some((known) => "decimals" in known)) return;
  throw new TidemarkError(
    "HISTORY_OLDER_FORMAT",
    `the change log of source "${name}" was written by an older Tidemark (before 0.1.0): give a ` +
      "new folder for the history, and run the log from its beginning",
  );
}
