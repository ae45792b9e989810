/** The ratio of two aggregations over the same window. */
import { TidemarkError } from "../errors.ts";
import { typeOf } from "../types/value-types.ts";
import type { AnyAggregation, Ratio, TypeOfAggregation } from "./aggregations.ts";
import type { NumericType, TypeText } from "./column-types.ts";
import { definitionOfKind, described, type AggregationState } from "./definition.ts";
import { aggregationOf } from "./make-aggregation.ts";
import type { shape } from "./shape.ts";

type ShapeOf<A extends AnyAggregation> = A[typeof shape];
type Source<A extends AnyAggregation> = ShapeOf<A>["source"];

/** The aggregation itself, or why it is no part of a ratio. */
type Part<A extends AnyAggregation> = [ShapeOf<A>["suffix"]] extends [never]
  ? [Extract<TypeOfAggregation<A>, NumericType>] extends [never]
    ? `this aggregation answers ${TypeText<TypeOfAggregation<A>>}: a ratio takes numbers`
    : A
  : "latest" extends ShapeOf<A>["kind"]
    ? "this is the latest value: a ratio takes aggregations over rows"
    : "this aggregation has its window already: give the window to the ratio";
/** The second aggregation itself, or why it cannot be divided by. */
type SecondPart<A extends AnyAggregation, B extends AnyAggregation> = [Source<A>] extends [never]
  ? Part<B>
  : [Source<B>] extends [Source<A>]
    ? Part<B>
    : `this is about ${Source<B>}, the first argument about ${Source<A>}`;

/**
 * Divides an aggregation by another one over the same window; null where one is null, or the second
 * is 0. Both are taken as doubles and divided once.
 * Each has its own condition. A condition and the window of the ratio hold for both.
 *
 * @throws DEFINITION_INVALID when an argument is no aggregation, or has its window already.
 * @throws TYPE_MISMATCH when an aggregation answers no number.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the aggregations are about two sources.
 *
 * @example
 * const online_part = ratio(count().where(eq(transactions.online, true)), count()).over("7d");
 */
export function ratio<A extends AnyAggregation, B extends AnyAggregation>(
  a: Part<A>,
  b: SecondPart<A, B>,
): Ratio<Source<A> | Source<B>> {
  const [first, second] = [partOf("a", a), partOf("b", b)];
  if (first.source !== null && second.source !== null && first.source !== second.source)
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `ratio(b: ${second.text}): it is about source "${second.source}", a about ` +
        `"${first.source}"; a feature reads one source, so take both of one`,
    );
  return aggregationOf({
    aggregate: "ratio",
    options: {},
    ratio: [first, second],
    isFact: false,
    result: { type: "float64", nullable: true },
    source: first.source ?? second.source,
    arguments: [],
    where: null,
    columns: [...first.columns, ...second.columns],
    text: `ratio(${first.text}, ${second.text})`,
    windows: [],
    default: undefined,
    renamedFrom: [],
  });
}

function partOf(name: "a" | "b", value: unknown): AggregationState {
  const found = definitionOfKind(value, "aggregation");
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `ratio(): ${name} must be an aggregation without a window, such as count(), ` +
        `got ${described(value)}`,
    );
  const who = `ratio(${name}: ${found.text})`;
  if (found.isFact)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it is the latest value; a ratio takes aggregations over rows`,
    );
  if (found.windows.length > 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it has its window already; give the window to the ratio, as in ` +
        'ratio(a, b).over("7d")',
    );
  const { type } = found.result;
  if (!typeOf(found.result).isNumber)
    throw new TidemarkError("TYPE_MISMATCH", `${who}: it answers ${type}; a ratio takes numbers`);
  return found;
}
