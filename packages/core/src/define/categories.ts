/** Categories of an aggregation: the answers for the rows of each value of a key. */
import { TidemarkError } from "../errors.ts";
import { literalExpression, typeSpecOf } from "../expr/tree.ts";
import type { CategorySpec, TypeSpec } from "../specs.ts";
import { accepts, MAX_ELEMENTS } from "./aggregation-kind.ts";
import { described, type AggregationState, type ExpressionState } from "./definition.ts";
import { rowExpressionOf } from "./expression.ts";
import { checkMemberName } from "./names.ts";

/** The form of the answers by category, for answers of this form without categories. */
function resultByCategory(
  result: TypeSpec,
  key: TypeSpec,
  { each, default: replaced }: Pick<CategorySpec, "each" | "default">,
): TypeSpec {
  const values = { ...result, nullable: result.nullable && replaced === undefined };
  return each === undefined
    ? { type: "map", nullable: false, keys: { ...key, nullable: false }, values }
    : { type: "struct", nullable: false, fields: each.map((name) => ({ ...values, name })) };
}

/**
 * The aggregation with an answer for each value of the key, as a map.
 *
 * @throws DEFINITION_INVALID when the key is no column of a source, or the aggregation takes none.
 * @throws TYPE_MISMATCH when the values of the key are no categories.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the key is about another source.
 */
export function byCategory(state: AggregationState, key: unknown): AggregationState {
  return withCategories(state, `${state.text}.by()`, keyOf(state, "by", key), undefined);
}

/**
 * The aggregation with an answer for each of these values of the key, as a struct.
 *
 * @throws DEFINITION_INVALID when the key is no column of a source, or the aggregation takes none.
 * @throws TYPE_MISMATCH when the key is no text.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the key is about another source.
 * @throws NAME_INVALID when a category is no name of a member.
 * @throws NAME_TAKEN when two categories have one name.
 */
export function byMember(
  state: AggregationState,
  key: unknown,
  members: unknown,
): AggregationState {
  const found = keyOf(state, "byEach", key);
  const who = `${state.text}.byEach(${found.text})`;
  if (found.expression.type !== "string")
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${who}: ${refusalText(found, "the members of a struct are texts")}; ` +
        "give the values names with caseWhen(...), or take by(...)",
    );
  return withCategories(state, who, found, checkedMembers(who, members));
}

function withCategories(
  state: AggregationState,
  who: string,
  key: ExpressionState,
  each: readonly string[] | undefined,
): AggregationState {
  const refuse = (why: string): never => {
    throw new TidemarkError("DEFINITION_INVALID", `${who}: ${why}`);
  };
  if (state.isFact) refuse("the latest row is in one category; take last(...) by category");
  if (state.ratio !== undefined)
    refuse("a ratio takes no categories; take both aggregations by category");
  if (state.by !== undefined)
    refuse("it has its categories already; join two keys in one, as in concat(a, b)");
  if (state.windows.length > 0)
    refuse('it has its window already; say the categories first, as in .by(k).over("7d")');
  const { result, default: replaced } = state;
  const by = {
    key: key.expression,
    ...(each === undefined ? {} : { each }),
    ...(replaced === undefined ? {} : { default: literalExpression(replaced, result) }),
  };
  return {
    ...state,
    by,
    result: resultByCategory(result, typeSpecOf(key.expression), by),
    default: undefined,
    source: state.source ?? key.source,
    columns: [...state.columns, ...key.columns],
    text: `${state.text}.${each === undefined ? "by" : "byEach"}(${key.text})`,
  };
}

function keyOf(state: AggregationState, method: string, key: unknown): ExpressionState {
  const who = `${state.text}.${method}()`;
  const found = rowExpressionOf(who, key);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it takes a column of a source, as in .${method}(transactions.vendor), or a ` +
        `function of columns, got ${described(key)}`,
    );
  const { source, expression, text } = found;
  if (!accepts("key", expression.type) || expression.type === "bytes")
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${state.text}.${method}(${text}): ` +
        refusalText(found, "its values are no categories") +
        (expression.type === "float64" ? "; put numbers into ranges with binOf(...)" : ""),
    );
  if (state.source !== null && source !== null && source !== state.source)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${state.text}.${method}(${text}): the key is about source "${source}", ` +
        `the aggregation about "${state.source}"; a feature reads one source`,
    );
  return found;
}

function refusalText({ expression }: ExpressionState, why: string): string {
  const { type } = expression;
  return expression.op === "column"
    ? `${expression.name} is a ${type} column, and ${why}`
    : `it is ${type}, and ${why}`;
}

/** The members of a struct, which name fields of Parquet files and of SQL. */
function checkedMembers(who: string, members: unknown): readonly string[] {
  if (!Array.isArray(members) || members.length === 0 || members.length > MAX_ELEMENTS)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it takes a list of 1 to ${MAX_ELEMENTS.toLocaleString("en")} categories, ` +
        `as in ["web", "app"], got ${described(members)}`,
    );
  const taken = new Map<string, string>();
  for (const member of members as readonly unknown[]) {
    checkMemberName(who, member, taken, {
      others: "give other values such names with caseWhen(...)",
      one: "give one another name with caseWhen(...)",
    });
  }
  return members as readonly string[];
}
