/** Request data: values that a caller gives with a request. */
import { TidemarkError } from "../errors.ts";
import { metadataKey, metadataOf, type Described, type Metadata } from "../metadata.ts";
import type { NeededColumn, ValueType } from "../specs.ts";
import type { Columns, InputOf } from "./column-types.ts";
import { makeDefinition } from "./definition.ts";
import type { Expr, FeatureScope } from "./expression-types.ts";
import { checkDescribed } from "./metadata.ts";
import { memberColumns } from "./member-columns.ts";
import { checkName, type CheckName } from "./names.ts";
import type { shape } from "./shape.ts";

/** A value that a caller gives, as an argument of functions. */
export interface RequestColumn<N extends string, out K extends ValueType, V> extends Expr<
  FeatureScope<{ [P in N]: InputOf<K, V> | Extract<V, null> }>,
  K,
  V
> {
  readonly name: N;
  readonly type: K;
}

/** Request data. Each member is a value that derived features compute with. */
export type RequestData<C extends Columns> = {
  readonly [K in keyof C]: RequestColumn<K & string, C[K]["type"], C[K][typeof shape]>;
};

/**
 * Declares values that a caller gives with a request. They stand beside the keys, under their own
 * names, in requests and in entity rows. A derived view computes with them, and can answer them.
 * Their metadata holds for each value that has none of its own.
 *
 * @throws NAME_INVALID when the name, or the name of a column, is no name.
 * @throws DEFINITION_INVALID when a member is no column type.
 *
 * @example
 * const order = requestData("order", { order_amount: decimal({ precision: 18, scale: 2 }) });
 * const large = derivedView("large", {
 *   features: { part_of_week: div(order.order_amount, weekly.amount_l1w) },
 * });
 */
export function requestData<const N extends string, C extends Columns>(
  name: CheckName<N>,
  columns: C,
  metadata: Metadata = {},
): RequestData<C> {
  const request = checkName("request data", name);
  const who = `request data "${request}"`;
  const { metadata: about } = checkDescribed(who, metadata, []);
  const specs = memberColumns(who, "columns", columns).map((column): NeededColumn => ({
    ...column,
    request: true,
    ...inherited(about, column),
  }));
  for (const spec of specs)
    if (spec.name === "event_timestamp")
      throw new TidemarkError(
        "NAME_INVALID",
        `${who}: a value cannot be called event_timestamp, which is the time of a request; ` +
          "rename it",
      );
  const members = specs.map((spec) => [
    spec.name,
    makeDefinition(
      { kind: "request column", request, spec },
      `request data ${request}.${spec.name}`,
      { name: spec.name, type: spec.type },
    ),
  ]);
  return makeDefinition(
    { kind: "request data", name: request, columns: specs },
    `request data ${request}`,
    Object.fromEntries(members) as Record<string, unknown>,
  );
}

function inherited(about: Described, column: Described): Described {
  const metadata = { ...metadataOf(about), ...metadataOf(column) };
  return Object.keys(metadata).length === 0 ? {} : { [metadataKey]: metadata };
}
