/** Reads the keys of the entities that `tidemark erase` erases. */
import { TidemarkError, type Definitions } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { didYouMean, ENTITIES_CODES, keyMissing } from "@tidemark/core/internal";
import { csvHeader, csvRecords } from "../input/csv.ts";
import { keyAndText, userKey } from "../input/key-texts.ts";
import { usage } from "../terminal/options.ts";

type Key = Readonly<Record<string, unknown>>;

/** Reads `--key` options as one key, or the rows of `--keys-file` as keys. */
export async function erasedKeys(
  entity: string,
  { texts, file }: { readonly texts: readonly string[]; readonly file: string | undefined },
  { views }: Definitions,
  signal: AbortSignal,
): Promise<readonly Key[]> {
  const entities = new Map([...views.values()].map((view) => [view.entity.name, view.entity]));
  const found = entities.get(entity);
  if (found === undefined)
    throw new TidemarkError(
      "ENTITY_UNKNOWN",
      `no view is of an entity "${entity}"${didYouMean(entity, [...entities.keys()])} ` +
        `(${[...entities.keys()].join(", ") || "there are none"})`,
    );
  if (file === undefined) return [keyOf(entity, texts, found.keys)];
  if (texts.length > 0) throw usage("give either --key or --keys-file");
  return keysIn(file, entity, found.keys, signal);
}

function keyOf(entity: string, given: readonly string[], keys: readonly ColumnSpec[]): Key {
  const names = keys.map(({ name }) => name).join(", ");
  const key: Record<string, unknown> = {};
  for (const one of given) {
    const found = keyAndText(one, keys);
    if (found === null)
      throw usage(`--key: write COLUMN=VALUE, with a key of ${entity} as COLUMN (${names})`);
    const { name } = found.column;
    if (name in key) throw usage(`--key ${name} is given twice; erase one entity, or --keys-file`);
    key[name] = userKey(found.column, found.text, () => `--key ${name}`);
  }
  const missing = keys.filter(({ name }) => !(name in key));
  if (missing.length > 0)
    throw usage(`--key ${missing[0]!.name}=VALUE is missing; ${entity} has ${names}`);
  return key;
}

/** Reads a CSV file whose columns are the keys of the entity. */
async function keysIn(
  file: string,
  entity: string,
  columns: readonly ColumnSpec[],
  signal: AbortSignal,
): Promise<readonly Key[]> {
  const header = await csvHeader(file, ENTITIES_CODES, signal);
  const names = columns.map(({ name }) => name);
  if (header.length !== names.length || names.some((name) => !header.includes(name)))
    throw new TidemarkError(
      "ENTITIES_INVALID",
      `${file}:1: the columns must be the keys of ${entity} (${names.join(", ")}) and no others`,
    );
  const keys: Key[] = [];
  let isHeader = true;
  for await (const records of csvRecords(file, ENTITIES_CODES, signal))
    for (const { fields, line } of records) {
      if (!isHeader) keys.push(keyIn(fields, line));
      isHeader = false;
    }
  if (keys.length === 0)
    throw new TidemarkError("ENTITIES_INVALID", `${file}: there is no key; write one on each line`);
  return keys;

  function keyIn(fields: readonly (string | null)[], line: number): Key {
    if (fields.length !== header.length)
      throw new TidemarkError(
        "ENTITIES_INVALID",
        `${file}:${line}: ${fields.length} fields, and the first line names ${header.length}`,
      );
    return Object.fromEntries(
      columns.map((column) => {
        const location = (): string => `${file}:${line}: ${column.name}`;
        const text = fields[header.indexOf(column.name)];
        if (text == null) throw keyMissing(location);
        return [column.name, userKey(column, text, location)];
      }),
    );
  }
}
