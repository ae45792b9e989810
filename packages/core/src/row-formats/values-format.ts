/**
 * The row format of changes that come as typed values: pushed rows, and changes of a change source
 * that gives no logged row. A text holds the values by the columns' names in the database, which a
 * change of the definitions leaves as they are.
 */
import { fromBase64, toBase64 } from "../bytes/bytes-text.ts";
import { originalTable } from "../rows/source-tables.ts";
import type { ColumnSpec, SourceSpec, Value, ValueType } from "../specs.ts";
import type { Change, InvalidColumn, LoggedRow } from "../spi.ts";
import { formatDate, formatTime } from "../time/parse-time.ts";
import { type LoggedReading, NO_ROW, NOTHING_READ, withoutKey } from "./logged-reading.ts";
import { columnValue } from "./value-row.ts";
import { decimalText, fitDecimal } from "./values/decimal.ts";
import { Failure } from "./values/failure.ts";

/** The type of a stored column. `member`: the name of its members. */
type StoredColumn = readonly [member: string, type: ValueType, scale: number | null];

interface ValuesFormat {
  readonly columns: readonly StoredColumn[];
}

/** A row as JSON. Members that say nothing are left out. */
interface StoredRow {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly unavailable?: readonly string[];
  readonly invalid?: readonly InvalidColumn[];
  readonly nonFinite?: number;
}

/** Makes the function that gives the logged row of changes of a source. */
export function valuesLogger(source: SourceSpec): (change: Change) => LoggedRow {
  const { columns } = source;
  const format = JSON.stringify({
    format: "values",
    table: originalTable(source),
    columns: columns.map((column, c): StoredColumn => {
      const { type, scale } = column;
      return [memberOf(source, c), type, scale ?? null];
    }),
  });
  const names = new Map(columns.map(({ name }, c) => [name, memberOf(source, c)]));
  const keys = source.primaryKey.map((name) => columns.find((column) => column.name === name)!);
  const membersOf = (of: readonly ColumnSpec[]): ReturnType<typeof membersMaker> =>
    membersMaker(of.map(({ name }) => names.get(name)!));
  const [rowMembers, keyMembers] = [membersOf(columns), membersOf(keys)];
  return ({ values, oldKey, unavailable, invalidColumns, nonFinite }) => {
    const row: StoredRow = {
      ...(values === null ? {} : { values: rowMembers(values) }),
      ...(unavailable.length === 0
        ? {}
        : { unavailable: unavailable.map((c) => memberOf(source, c)) }),
      ...(invalidColumns.length === 0
        ? {}
        : {
            invalid: invalidColumns.map((one) => ({
              ...one,
              column: names.get(one.column) ?? one.column,
            })),
          }),
      ...(nonFinite === 0 ? {} : { nonFinite }),
    };
    return {
      row: JSON.stringify(row),
      key: null,
      oldKey: oldKey === null ? null : JSON.stringify(keyMembers(oldKey)),
      format,
    };
  };
}

/**
 * Makes the function that gives the members of values. Values that are null have none. Members are
 * assigned, which costs a third of `Object.fromEntries`; only `__proto__` cannot be.
 */
function membersMaker(
  names: readonly string[],
): (values: readonly Value[]) => Readonly<Record<string, unknown>> {
  if (names.includes("__proto__"))
    return (values) =>
      Object.fromEntries(
        values.flatMap((value, c) => (value === null ? [] : [[names[c]!, storedValue(value)]])),
      );
  return (values) => {
    const members: Record<string, unknown> = {};
    for (let c = 0; c < names.length; c++) {
      const value = values[c] ?? null;
      if (value !== null) members[names[c]!] = storedValue(value);
    }
    return members;
  };
}

/**
 * The name of the members of a column: its name in the database. If several columns read one column
 * of the database, those after the first have names of their own.
 */
function memberOf({ columns }: SourceSpec, index: number): string {
  const { name, database } = columns[index]!;
  const first = columns.findIndex((column) => column.database === database);
  return first === index ? database : JSON.stringify([database, name]);
}

/**
 * Gives the member of a value. Integers and decimals are digits, and bytes are base64. Times are in
 * µs, and dates in days.
 */
function storedValue(value: Exclude<Value, null>): unknown {
  return typeof value === "bigint"
    ? String(value)
    : value instanceof Uint8Array
      ? toBase64(value)
      : Object.is(value, -0)
        ? MINUS_ZERO
        : value;
}

/** JSON's numbers lose the sign of −0. */
const MINUS_ZERO = "-0";

/** Makes the reader of rows of one format, for one definition. */
export function valuesReader(
  source: SourceSpec,
  { columns: stored }: ValuesFormat,
): (change: Change, logged: LoggedRow) => LoggedReading {
  const types = new Map(stored.map((column) => [column[0], column]));
  const names = source.columns.map(({ name, database }): string => {
    const own = JSON.stringify([database, name]);
    return types.has(own) ? own : database;
  });
  const readers = source.columns.map((column, c) => storedReader(column, types.get(names[c]!)));
  const keys = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );

  /** Columns that the format lacks although each row has a value of them. */
  const absent = source.columns.map((column, c) => !types.has(names[c]!) && !column.nullable);

  return (change, { row, oldKey }) => {
    const { kind, undecodable } = change;
    if (undecodable === null && kind !== "upsert" && kind !== "delete") return { ...NO_ROW, kind };
    const read = JSON.parse(row ?? "{}") as StoredRow;
    const { values: members = NO_MEMBERS, unavailable, invalid } = read;
    let invalidColumns: readonly InvalidColumn[] =
      invalid === undefined ? NO_COLUMNS : invalidUnderDefinition(invalid);
    const values = new Array<Value>(names.length).fill(null);
    for (let c = 0; c < names.length; c++) {
      const name = names[c]!;
      const member = Object.hasOwn(members, name) ? members[name] : null;
      const value = member === null ? null : readers[c]!(member);
      const reason =
        value instanceof Failure ? value.reason : absent[c] === true ? "COLUMN_ABSENT" : null;
      if (!(value instanceof Failure)) values[c] = value;
      if (reason !== null)
        invalidColumns = [...invalidColumns, { column: source.columns[c]!.name, reason }];
    }
    const old = oldKey === null ? null : oldKeyOf(JSON.parse(oldKey) as Record<string, unknown>);
    if (hasNull(values, keys)) {
      // of an erased change the former key may stay alone
      if (kind === "delete" && old !== null) return { ...NOTHING_READ, kind, values: rowOf(old) };
      return undecodable === null ? withoutKey(change) : { ...NO_ROW, undecodable };
    }
    if (kind === "delete") return { ...NOTHING_READ, kind, values: onlyKey(values), oldKey: old };
    if (undecodable !== null)
      return { ...NOTHING_READ, kind: "upsert", values: onlyKey(values), oldKey: old, undecodable };
    return {
      kind: "upsert",
      values,
      oldKey: old,
      unavailable:
        unavailable === undefined
          ? NO_COLUMNS
          : names.flatMap((member, c) => (unavailable.includes(member) ? [c] : [])),
      undeclaredUnavailable: undefined,
      invalidColumns,
      undecodable: null,
      nonFinite: read.nonFinite ?? 0,
    };
  };

  function invalidUnderDefinition(invalid: readonly InvalidColumn[]): readonly InvalidColumn[] {
    return invalid.flatMap(({ column, ...rest }) =>
      names.flatMap((member, c) =>
        member === column ? [{ ...rest, column: source.columns[c]!.name }] : [],
      ),
    );
  }

  function onlyKey(values: readonly Value[]): readonly Value[] {
    return values.map((value, c) => (keys.includes(c) ? value : null));
  }

  function rowOf(key: readonly Value[]): readonly Value[] {
    return source.columns.map((_, c) => key[keys.indexOf(c)] ?? null);
  }

  function oldKeyOf(members: Readonly<Record<string, unknown>>): readonly Value[] | null {
    const key = keys.map((c) => {
      const member = members[names[c]!];
      return member === undefined ? null : readers[c]!(member);
    });
    return key.some((value) => value === null || value instanceof Failure)
      ? null
      : (key as Value[]);
  }
}

/** Most rows share these, because the changes of a log tail are in memory together. */
const NO_MEMBERS: Readonly<Record<string, unknown>> = {};
const NO_COLUMNS: readonly never[] = [];

function hasNull(values: readonly Value[], columns: readonly number[]): boolean {
  for (const c of columns) if (values[c] === null) return true;
  return false;
}

/** Makes the reader of a column's members. Another type than the stored one is read from text. */
function storedReader(
  column: ColumnSpec,
  stored: StoredColumn | undefined,
): (member: unknown) => Value | Failure {
  if (stored === undefined) return () => null;
  const [, type, scale] = stored;
  if (type === "decimal" && column.type === "decimal") {
    const limit = 10n ** BigInt(column.precision ?? 38);
    return (member) =>
      fitDecimal(
        { unscaled: BigInt(member as string), scale: scale ?? 0 },
        column.scale ?? 0,
        limit,
      );
  }
  if (type === column.type) {
    if (type === "int64") return (member) => BigInt(member as string);
    if (type === "bytes") return (member) => fromBase64(member as string);
    if (type === "float64") return Number;
    return (member) => member as Value;
  }
  const given = givenForms[type];
  return (member) => columnValue(given === undefined ? member : given(member, scale ?? 0), column);
}

/** What a typed source would have given for a member that is not the value itself. */
const givenForms: Readonly<
  Partial<Record<ValueType, (member: unknown, scale: number) => unknown>>
> = {
  decimal: (member, scale) => decimalText({ unscaled: BigInt(member as string), scale }),
  timestamp: (member) => formatTime(member as number),
  date: (member) => formatDate(member as number),
  bytes: (member) => fromBase64(member as string),
};
