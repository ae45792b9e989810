/** An online request: the entities it names, and the shape of its answer. */
import { valueAt } from "../columns/batch.ts";
import { described } from "../define/definition.ts";
import { TidemarkError } from "../errors.ts";
import { refuseUnknownOptions, type OptionNames } from "../option-checks.ts";
import type { ColumnSpec } from "../specs.ts";
import { columnKeyReader, isEntityColumns, type KeyReader, type KeyValues } from "./entity-keys.ts";
import type { EntityColumns } from "./request-types.ts";

/** An online request as it arrives at run time, before anything is checked. */
export interface OnlineRequestInput {
  readonly features?: unknown;
  readonly entity?: unknown;
  readonly entities?: unknown;
  readonly metadata?: unknown;
  readonly asOf?: unknown;
  readonly onMissing?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly maxBytes?: number | undefined;
  readonly requestId?: string | readonly string[] | undefined;
}

const OPTIONS: OptionNames = {
  names: new Set([
    "features",
    "entity",
    "entities",
    "metadata",
    "asOf",
    "onMissing",
    "signal",
    "maxBytes",
    "requestId",
  ]),
  renamed: {},
};

/**
 * Reads the keys of the request's entity, or of its list of entities. Only keys that come as
 * columns are read asynchronously.
 *
 * @throws OPTION_UNKNOWN when the request has an option that does not exist.
 * @throws OPTION_INVALID when the request has both `entity` and `entities`, or neither.
 * @throws KEY_INVALID when a key is missing, superfluous or of another type.
 */
export function requestedKeys(
  call: string,
  request: OnlineRequestInput,
  { needed, read }: KeyReader,
): readonly KeyValues[] | Promise<readonly KeyValues[]> {
  refuseUnknownOptions(call, request, OPTIONS);
  const { entity, entities } = request;
  if (entity !== undefined && entities !== undefined)
    throw new TidemarkError(
      "OPTION_INVALID",
      `${call}: the request has both entity and entities; give entity for one row, or entities ` +
        "for a list of rows",
    );
  if (entity !== undefined) return [read(entity, 0)];
  if (Array.isArray(entities)) return entities.map(read);
  if (isEntityColumns(entities)) return keysOfColumns(entities, needed, request.signal);
  throw new TidemarkError(
    "OPTION_INVALID",
    entities === undefined
      ? `${call}: the request names no entity; give entity: { … } for one row, or ` +
          "entities: [{ … }] for a list of rows"
      : `${call}: entities is ${described(entities)}; give a ` +
          "list such as [{ … }], or columns; one entity is written entity: { … }",
  );
}

async function keysOfColumns(
  entityColumns: EntityColumns,
  needed: readonly ColumnSpec[],
  signal: AbortSignal | undefined,
): Promise<readonly KeyValues[]> {
  const names = needed.map(({ name }) => name);
  const { columns } = entityColumns;
  const superfluous = columns.find(({ name }) => !names.includes(name));
  if (superfluous !== undefined)
    throw new TidemarkError(
      "KEY_INVALID",
      `entity columns: ${superfluous.name} is no key of what is asked; give only ` +
        names.join(", "),
    );
  const readKeys = columnKeyReader(columns, needed, names);
  const keys: KeyValues[] = [];
  for await (const batch of entityColumns.batches({ signal })) {
    signal?.throwIfAborted();
    const { vectors } = readKeys(batch, keys.length);
    for (let i = 0; i < batch.length; i++)
      keys.push(Object.fromEntries(needed.map(({ name }, k) => [name, valueAt(vectors[k]!, i)])));
  }
  return keys;
}

/**
 * Puts rows into the shape that the request asks for: a row, rows, `{ asOf, row }` or
 * `{ asOf, rows }`.
 */
export function answerOf(
  { entity, metadata }: OnlineRequestInput,
  rows: readonly Readonly<Record<string, unknown>>[],
  asOf: () => string,
): unknown {
  const single = entity !== undefined;
  if (metadata === true) return single ? { asOf: asOf(), row: rows[0] } : { asOf: asOf(), rows };
  return single ? rows[0] : rows;
}
