/**
 * Takes the key of an erased entity out of a change that stays. The change says which key its row
 * had before, and that may be the key of the entity, or hold it beside the primary key.
 */
import { withoutOldKey } from "../rows/erased-entities.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import { changeReader } from "./change-reader.ts";
import { memberTexts, objectText } from "./member-texts.ts";

/** Columns that hold the key of entities. */
interface ErasableKey {
  /** The names of the columns. */
  readonly columns: readonly string[];
  /** Whether these are the key of an erased entity. Values are by the source's columns. */
  isErased(values: readonly Value[], change: Change): boolean;
}

/** Makes the function that gives a change without the keys of erased entities in its old key. */
export function erasedOldKey(
  source: SourceSpec,
  keys: readonly ErasableKey[],
): (change: Change) => Change {
  const readers = keys.map((key) => ({
    ...key,
    read: changeReader({ ...source, primaryKey: key.columns }),
  }));
  const isInPrimaryKey = (name: string): boolean => source.primaryKey.includes(name);
  const databaseName = (name: string): string =>
    source.columns.find((column) => column.name === name)!.database;
  return (change) => {
    const { logged } = change;
    const old = logged === undefined ? valuesAsRow(source, change.oldKey) : null;
    if (logged?.oldKey == null && old === null) return change;
    const gone = new Set<string>();
    for (const { columns, isErased, read } of readers) {
      const values = old ?? read(asOldKey(change)).values;
      if (values === null || !isErased(values, change)) continue;
      if (columns.every(isInPrimaryKey)) return withoutOldKey(change);
      for (const name of columns) if (!isInPrimaryKey(name)) gone.add(databaseName(name));
    }
    const texts = gone.size === 0 ? null : memberTexts(logged!.oldKey!);
    if (texts === null) return change;
    const left = objectText([...texts].filter(([name]) => !gone.has(name)));
    return left === null
      ? withoutOldKey(change)
      : { ...change, logged: { ...logged!, oldKey: left } };
  };
}

/** The delete of the row that had the old key. */
function asOldKey(change: Change): Change {
  const { oldKey, format } = change.logged!;
  const erased = JSON.stringify({ ...(JSON.parse(format) as object), erased: true });
  const logged = { row: null, key: null, oldKey, format: erased };
  return { ...change, kind: "delete", op: "d", undecodable: null, logged };
}

function valuesAsRow(
  { columns, primaryKey }: SourceSpec,
  key: readonly Value[] | null,
): readonly Value[] | null {
  if (key === null) return null;
  return columns.map(({ name }) => key[primaryKey.indexOf(name)] ?? null);
}
