/**
 * Makes the delete that stays of an erased change. The delete keeps the key of its message as
 * logged text, so that a definition with another primary key finds the delete of its own row. If
 * the change gave its row another primary key, the delete is that of the former key too.
 */
import { primaryKeyIndexes } from "../rows/row-change.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change, LoggedRow } from "../spi.ts";
import type { DebeziumFormat } from "./debezium/debezium-format.ts";
import { memberTexts, objectText } from "./member-texts.ts";

/** The formats whose readings are kept. A log seldom has more. */
const MAX_FORMATS = 1_000;

/** A format of logged rows, and what stays of it in a delete. */
interface Format {
  readonly kind: string;
  /** The names by which rows of this format hold the primary key. */
  readonly primaryKey: readonly string[];
  /** The columns of each personal key, by these names. */
  readonly personal: readonly (readonly string[])[];
  readonly keyMembers: readonly string[];
  readonly ofDelete: string;
}

/** Makes the deletes of erased changes of one source. */
export interface ErasedRows {
  /**
   * Reads what a delete may keep of a change: by column, the JSON text of its value. These are the
   * columns of the message's key and of the primary key, without the key of an erased entity.
   */
  keyTexts(change: Change): ReadonlyMap<string, string>;
  /**
   * Makes the delete at the place of a change. `key`: the primary key of its row, or null if that
   * does not stay. `isKept` says which columns of `keyTexts` stay. The change's `oldKey` stays.
   * Null: nothing of the change stays.
   */
  deleteOf(
    change: Change,
    key: readonly Value[] | null,
    isKept?: (column: string, text: string) => boolean,
  ): Change | null;
  /** Reads the JSON texts of these columns in the row or the key of a change. */
  texts(change: Change, columns: Iterable<string>): ReadonlyMap<string, string>;
  /** Makes a change of no row at the place of a change of the log. */
  placeOf(change: Change): Change;
}

/** `personal`: for each view of an erased entity, the columns that hold its key. */
export function erasedRows(
  source: SourceSpec,
  personal: readonly (readonly string[])[],
): ErasedRows {
  const keyIndexes = primaryKeyIndexes(source);
  const isOwnKey = personal.some((names) =>
    names.every((name) => source.primaryKey.includes(name)),
  );
  const formats = new Map<string, Format>();

  function formatOf(text: string): Format {
    let known = formats.get(text);
    if (known === undefined) {
      if (formats.size >= MAX_FORMATS) formats.clear();
      const format = JSON.parse(text) as Omit<DebeziumFormat, "format"> & {
        readonly format: string;
      };
      const nameIn = (name: string): string =>
        format.format === "json"
          ? name
          : source.columns.find((column) => column.name === name)!.database;
      known = {
        kind: format.format,
        primaryKey: source.primaryKey.map(nameIn),
        personal: personal.map((names) => names.map(nameIn)),
        keyMembers: format.keyMembers ?? [],
        ofDelete: JSON.stringify({ ...format, erased: true }),
      };
      formats.set(text, known);
    }
    return known;
  }

  function rowTexts({ kind }: Format, { row }: LoggedRow): ReadonlyMap<string, string> {
    if (row === null) return NO_TEXTS;
    if (kind !== "values") return memberTexts(row) ?? NO_TEXTS;
    const { values = {} } = JSON.parse(row) as { readonly values?: Record<string, unknown> };
    return new Map(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));
  }

  /** A key that is no object is the value of the only column of a primary key. */
  function messageKey({ primaryKey }: Format, { key }: LoggedRow): ReadonlyMap<string, string> {
    if (key === null) return NO_TEXTS;
    const texts = memberTexts(key);
    return texts ?? new Map(primaryKey.length === 1 ? [[primaryKey[0]!, key]] : []);
  }

  function keyTexts({ logged }: Change): ReadonlyMap<string, string> {
    if (logged === undefined) return NO_TEXTS;
    const format = formatOf(logged.format);
    const { primaryKey, keyMembers } = format;
    const [inRow, inKey] = [rowTexts(format, logged), messageKey(format, logged)];
    const names = new Set([...primaryKey, ...keyMembers, ...inKey.keys()]);
    for (const columns of format.personal) {
      if (!columns.every((name) => names.has(name))) continue;
      const isPrimary = columns.every((name) => primaryKey.includes(name));
      for (const name of columns) if (isPrimary || !primaryKey.includes(name)) names.delete(name);
    }
    return textsOf(names, inRow, inKey);
  }

  const textsOf = (
    names: Iterable<string>,
    inRow: ReadonlyMap<string, string>,
    inKey: ReadonlyMap<string, string>,
  ): ReadonlyMap<string, string> =>
    new Map(
      [...names].flatMap((name): [string, string][] => {
        const text = inRow.get(name) ?? inKey.get(name);
        return text === undefined || text === "null" ? [] : [[name, text]];
      }),
    );

  function reduced(logged: LoggedRow, kept: ReadonlySet<string>, hasOldKey: boolean): LoggedRow {
    const format = formatOf(logged.format);
    const only = (texts: ReadonlyMap<string, string>): string | null =>
      objectText([...texts].filter(([name, text]) => kept.has(name) && text !== "null"));
    const row = only(rowTexts(format, logged));
    const key =
      logged.key === null || memberTexts(logged.key) !== null
        ? only(messageKey(format, logged))
        : kept.has(format.primaryKey[0]!)
          ? logged.key
          : null;
    return {
      row: row !== null && format.kind === "values" ? `{"values":${row}}` : row,
      key,
      oldKey: hasOldKey ? logged.oldKey : null,
      format: format.ofDelete,
    };
  }

  const valuesOf = (key: readonly Value[]): readonly Value[] => {
    const values = new Array<Value>(source.columns.length).fill(null);
    keyIndexes.forEach((index, k) => {
      values[index] = key[k]!;
    });
    return values;
  };

  /** The delete of the row with this key and of that with the former key; null: of none. */
  function rowsDeleted(change: Change, key: readonly Value[] | null): Change | null {
    const { oldKey } = change;
    if (key !== null) return { ...asDelete(change), values: valuesOf(key), oldKey };
    return oldKey === null ? null : { ...asDelete(change), values: valuesOf(oldKey) };
  }

  return {
    keyTexts,
    texts({ logged }, columns) {
      if (logged === undefined) return NO_TEXTS;
      const format = formatOf(logged.format);
      return textsOf(columns, rowTexts(format, logged), messageKey(format, logged));
    },
    deleteOf(change, key, isKept = () => true) {
      const { logged, oldKey } = change;
      if (logged === undefined) return rowsDeleted(change, isOwnKey ? null : key);
      const texts = keyTexts(change);
      const kept = new Set([...texts].flatMap(([name, text]) => (isKept(name, text) ? name : [])));
      const { primaryKey } = formatOf(logged.format);
      const isWhole =
        key !== null && !isOwnKey && primaryKey.every((name) => !texts.has(name) || kept.has(name));
      const rows = rowsDeleted(change, isWhole ? key : null);
      if (kept.size === 0 && rows === null) return null;
      return {
        ...(rows ?? { ...asDelete(change), kind: "none" }),
        logged: reduced(logged, kept, oldKey !== null),
      };
    },
    placeOf: (change) => ({
      ...asDelete(change),
      kind: "none",
      logged: change.logged && reduced(change.logged, new Set(), false),
    }),
  };
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

function asDelete(change: Change): Change {
  return {
    ...change,
    kind: "delete",
    op: "d",
    values: null,
    oldKey: null,
    unavailable: [],
    undeclaredUnavailable: undefined,
    invalidColumns: [],
    undecodable: null,
    original: undefined,
    nonFinite: 0,
    logged: undefined,
  };
}
