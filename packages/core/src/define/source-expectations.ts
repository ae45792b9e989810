/** What a source expects of each of its rows. */
import { TidemarkError } from "../errors.ts";
import type { RowExpectationSpec } from "../specs.ts";
import type { Column, Columns } from "./column-types.ts";
import { definitionOfKind, described, type ExpectationState } from "./definition.ts";
import { clockOfRows, conditionOf, rowExpressionOf } from "./expression.ts";
import type { Expr } from "./expression-types.ts";
import { checkName } from "./names.ts";
import { checkMembers } from "./options.ts";
import type { Expectation } from "./expectations.ts";
import type { shape } from "./shape.ts";

/** The columns of a source, as its own expectations read them. */
export type RowColumns<S extends string, C extends Columns> = {
  readonly [N in keyof C]: Column<S, N & string, C[N]["type"], C[N][typeof shape]>;
};
/** Names what is expected of each row of source `S`. A condition alone flags rows. */
export type ExpectOfRows<S extends string, C extends Columns> = (row: RowColumns<S, C>) => {
  readonly [name: string]: Expectation<S> | Expr<S, "boolean", unknown>;
};

/**
 * Reads the option `expect` of a source. `columns`: its columns by name.
 *
 * @throws DEFINITION_INVALID when a member is not about single rows.
 * @throws COLUMN_OF_ANOTHER_SOURCE when a member is about another source.
 */
export function rowExpectationsOf(
  who: string,
  source: string,
  columns: Readonly<Record<string, unknown>>,
  given: unknown,
): readonly RowExpectationSpec[] | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "function")
    throw invalid(
      `${who}: expect is a function of its columns, as in ` +
        `expect: (row) => ({ positive: gt(row.amount, 0) }), got ${described(given)}`,
    );
  const members = checkMembers(
    who,
    "what expect returns",
    (given as (row: unknown) => unknown)(columns),
  );
  const found = Object.entries(members).map(([name, value]): RowExpectationSpec => {
    checkName("expectation", name);
    const { condition, share, onViolation } = rowState(`${who}: expect.${name}`, value);
    if (share !== 1)
      throw invalid(
        `${who}: expect.${name} has a share, which is about many rows; ` +
          "put holds(condition, { share }) into a quality on the source",
      );
    if (condition.source !== null && condition.source !== source)
      throw new TidemarkError(
        "COLUMN_OF_ANOTHER_SOURCE",
        `${who}: expect.${name}: ${condition.text} is about source "${condition.source}", ` +
          `and must be about "${source}"`,
      );
    return { name, condition: condition.expression, onViolation };
  });
  return found.length === 0
    ? undefined
    : found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

type HoldsState = Extract<ExpectationState, { readonly test: "holds" }>;

function rowState(who: string, value: unknown): HoldsState {
  const expectation = definitionOfKind(value, "expectation");
  if (expectation !== undefined) {
    const { state } = expectation;
    if (state.test !== "holds")
      throw invalid(
        `${who}: ${state.test}(...) is about many rows, and expect of a source about each row; ` +
          "put it into a quality on the source",
      );
    if (state.condition.inputs !== undefined)
      throw invalid(
        `${who}: ${state.condition.text} is about features; put it into a quality on their view`,
      );
    if (state.condition.clock === true) throw clockOfRows(who, state.condition.text);
    return state;
  }
  const condition = conditionOf(value) === undefined ? undefined : rowExpressionOf(who, value);
  if (condition === undefined)
    throw invalid(
      `${who} is ${described(value)}; give a condition on columns of the row, such as ` +
        "gt(row.amount, 0), or holds(condition, { onViolation })",
    );
  return { test: "holds", condition, share: 1, onViolation: "flag" };
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", message);
}
