/** Structs as arguments of aggregations: objects of expressions of rows. */
import { TidemarkError } from "../errors.ts";
import { fieldNames, struct } from "../expr/functions/parts.ts";
import { MAX_ELEMENTS } from "./aggregation-kind.ts";
import { definitionOf, described, type ExpressionState } from "./definition.ts";
import { defineCall, expressionOf, rowExpressionOf } from "./expression.ts";
import { checkMemberName } from "./names.ts";

/**
 * Returns the struct of an object of expressions; undefined if the value is no such object. `who`
 * begins the message of an error.
 *
 * @throws DEFINITION_INVALID when a member is no column, and no function of columns.
 * @throws NAME_INVALID when a name is no name of a member.
 * @throws NAME_TAKEN when two members have one name in SQL.
 */
export function structExpressionOf(who: string, value: unknown): ExpressionState | undefined {
  if (typeof value !== "object" || value === null || definitionOf(value) !== undefined)
    return undefined;
  const members = Object.entries(value as Readonly<Record<string, unknown>>);
  if (Array.isArray(value) || members.length === 0) return undefined;
  if (members.length > MAX_ELEMENTS)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the struct has more than ${MAX_ELEMENTS.toLocaleString("en")} members`,
    );
  const taken = new Map<string, string>();
  const found = members.map(([name, one]) => {
    checkMemberName(who, name, taken);
    const state = rowExpressionOf(`${who}: ${name}`, one);
    if (state === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: ${name} must be a column of a source, or a function of columns, ` +
          `got ${described(one)}`,
      );
    return state;
  });
  const names = fieldNames(members.map(([name]) => name));
  const text = `{ ${found.map((one, i) => `${members[i]![0]}: ${one.text}`).join(", ")} }`;
  return { ...expressionOf(defineCall(struct, found, { names }, who))!, text };
}
