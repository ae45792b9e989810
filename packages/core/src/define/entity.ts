/** Entities: what features are about. */
import type { Metadata } from "../metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { ValueType } from "../specs.ts";
import type { Columns, ColumnType, KeyType, MayBeNull } from "./column-types.ts";
import { makeDefinition } from "./definition.ts";
import { memberColumns } from "./member-columns.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkDescribed } from "./metadata.ts";
import type { shape } from "./shape.ts";
import { typeOf } from "../types/value-types.ts";

/** An entity: something that features are about. */
export interface Entity<out N extends string, out Keys extends Columns> {
  readonly [shape]: { readonly name: N; readonly keys: Keys };
}
/** An entity of any name and keys. */
export type AnyEntity = Entity<string, Columns>;

/** The keys themselves, with the sentence that refuses it in place of each wrong key. */
type CheckEntityKeys<C extends Columns> = {
  readonly [N in keyof C]: CheckEntityKey<N, C[N]>;
} extends C
  ? C
  : { readonly [N in keyof C]: CheckEntityKey<N, C[N]> };
type CheckEntityKey<N, T extends ColumnType<ValueType, unknown>> = [
  Extract<T["type"], KeyType>,
] extends [never]
  ? `${N & string} is ${T["type"]}, which cannot be compared exactly: take another kind`
  : MayBeNull<T[typeof shape]> extends true
    ? `${N & string} may be null, and a key is never null: drop .nullable()`
    : T;

/**
 * Declares an entity: something that features are about, named by one key or several.
 *
 * @throws NAME_INVALID when the name, or the name of a key, is no name.
 * @throws DEFINITION_INVALID when a key is nullable, or a float64 or json column.
 *
 * @example
 * const user = entity("user", { keys: { user_id: string() } });
 */
export function entity<const N extends string, Keys extends Columns>(
  name: CheckName<N>,
  definition: Metadata & { readonly keys: CheckEntityKeys<Keys> },
): Entity<N, Keys> {
  const who = `entity "${checkName("entity", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["keys"]);
  const specs = memberColumns(who, "keys", options["keys"]);
  for (const spec of specs) {
    if (!typeOf(spec).isKey)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: key "${spec.name}" is a ${spec.type} column, which cannot be compared exactly; ` +
          "take another kind",
      );
    if (spec.nullable)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: key "${spec.name}" is nullable, and a key is never null; drop .nullable()`,
      );
    if (spec.name === "event_timestamp")
      throw new TidemarkError(
        "NAME_INVALID",
        `${who}: a key cannot be called event_timestamp, which is the time of a request; rename it`,
      );
  }
  return makeDefinition(
    { kind: "entity", spec: { name: name as string, keys: specs, ...metadata } },
    `entity ${String(name)}`,
  );
}
