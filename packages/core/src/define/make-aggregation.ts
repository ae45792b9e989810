/** Makes the aggregations that features are defined with. */
import { describedWith } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import { typeSpecOf } from "../expr/tree.ts";
import type { AggregateOptions } from "../specs.ts";
import {
  accepts,
  optionFault,
  refusal,
  type AggregationKind,
  type Parameter,
} from "./aggregation-kind.ts";
import {
  aggregationTitle,
  definitionOfKind,
  described,
  makeDefinition,
  type AggregationState,
  type ExpressionState,
  type NamedWindow,
} from "./definition.ts";
import { byCategory, byMember } from "./categories.ts";
import { clockOfRows, conditionOf, rowExpressionOf } from "./expression.ts";
import { resultColumnOf } from "./result.ts";
import { fromUser } from "./user-values.ts";
import { structExpressionOf } from "./struct-argument.ts";
import { isSeries } from "./window-reach.ts";
import { windowFrom } from "./windows.ts";

/**
 * Makes an aggregation of columns, or of functions of columns. The arguments are those of the kind,
 * in its order.
 *
 * @throws DEFINITION_INVALID when an argument is no column of a source, or an option is wrong.
 * @throws TYPE_MISMATCH when the aggregation does not take columns of this type.
 * @throws COLUMN_OF_ANOTHER_SOURCE when the arguments are of two sources.
 */
export function makeAggregation<T>(
  kind: AggregationKind,
  arguments_: readonly unknown[],
  options: AggregateOptions = {},
): T {
  const found = kind.parameters.flatMap((parameter, i) =>
    parameter.optional === true && arguments_[i] === undefined
      ? []
      : [aggregated(kind, parameter, arguments_[i])],
  );
  const source = oneSource(kind, found);
  checkOptionValues(kind, options);
  return aggregationOf({
    aggregate: kind.name,
    options,
    isFact: kind.isFact === true,
    result: kind.result(
      found.map(({ expression }) => typeSpecOf(expression)),
      options,
    ),
    source,
    arguments: found.map(({ expression }) => expression),
    where: null,
    columns: found.flatMap(({ columns }) => columns),
    text: `${kind.name}(${found.map(({ text }) => text).join(", ")})`,
    windows: [],
    default: undefined,
    renamedFrom: [],
  });
}

function aggregated(
  kind: AggregationKind,
  parameter: Parameter,
  argument: unknown,
): ExpressionState {
  const { name, parameters } = kind;
  const found =
    (parameter.takesStruct === true ? structExpressionOf(`${name}()`, argument) : undefined) ??
    rowExpressionOf(`${name}()`, argument);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      parameters.length === 1
        ? `${name}(): it takes a column of a source, as in ${name}(transactions.amount), ` +
            `got ${described(argument)}`
        : `${name}(): ${parameter.name} must be a column of a source, or a function of columns, ` +
            `got ${described(argument)}`,
    );
  if (!accepts(parameter.accepts, found.expression.type, found.expression.element))
    throw new TidemarkError(
      "TYPE_MISMATCH",
      `${whoTakes(kind, parameter, found)}: ${refusal(parameter.accepts, found.expression)}`,
    );
  return found;
}

/** Names an argument for messages: `sum(orders.price)`, or `slope(y: orders.price)` of several. */
function whoTakes(
  { name, parameters }: AggregationKind,
  parameter: Parameter,
  { text }: ExpressionState,
): string {
  return parameters.length === 1 ? `${name}(${text})` : `${name}(${parameter.name}: ${text})`;
}

/** The source of all arguments; null if no argument has one. */
function oneSource(kind: AggregationKind, found: readonly ExpressionState[]): string | null {
  const first = found.findIndex(({ source }) => source !== null);
  const source = found[first]?.source ?? null;
  const other = found.findIndex((one) => one.source !== null && one.source !== source);
  if (other < 0) return source;
  const { parameters } = kind;
  throw new TidemarkError(
    "COLUMN_OF_ANOTHER_SOURCE",
    `${whoTakes(kind, parameters[other]!, found[other]!)}: it is about source ` +
      `"${found[other]!.source}", ${parameters[first]!.name} about "${source}"; ` +
      "an aggregation reads one source, so take both of one",
  );
}

function checkOptionValues({ name, options: allowed = {} }: AggregationKind, given: object): void {
  for (const [option, wanted] of Object.entries(allowed)) {
    const value = (given as { readonly [option: string]: unknown })[option];
    const fault = optionFault(wanted, value);
    if (fault !== null)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${name}(): ${option} must be ${fault}, got ${described(value)}`,
      );
  }
}

/** Makes the definition of an aggregation. */
export function aggregationOf<T>(state: AggregationState): T {
  const who = aggregationTitle(state);
  const over = (named: readonly (readonly [suffix: string, window: unknown])[]): unknown => {
    if (state.isFact)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: it takes no window; bound it with the view's ttl`,
      );
    if (state.windows.length > 0)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: it has its window already; list several in one overEach("1h", "1d")`,
      );
    if (named.length === 0)
      throw new TidemarkError(
        "DURATION_INVALID",
        `${who}: say which windows, as in .overEach("1h", "1d")`,
      );
    const windows = named.map(([suffix, window]) => ({ suffix, ...windowFrom(who, window) }));
    if (state.ratio !== undefined) checkWindowsOfRatio(who, windows);
    return aggregationOf({ ...state, windows, result: resultOver(state, who, windows) });
  };
  return makeDefinition({ kind: "aggregation", ...state }, who, {
    over: (window: unknown) => over([["", window]]),
    overEach: (...windows: unknown[]) => over(byLength(who, windows)),
    overNamed: (windows: unknown) => over(byName(who, windows)),
    where: (condition: unknown) => withCondition(state, who, condition),
    by: (key: unknown) => aggregationOf(byCategory(state, key)),
    byEach: (key: unknown, members: unknown) => aggregationOf(byMember(state, key, members)),
    default: (value: unknown) => withDefault(state, who, value),
    renamedFrom: (...names: unknown[]) => withFormerNames(state, who, names),
    describe: (metadata: unknown) => aggregationOf({ ...state, ...describedWith(who, metadata) }),
  });
}

/** The form of the answers over these windows: over a series a list of what there is over rows. */
function resultOver(
  { result, default: replaced }: AggregationState,
  who: string,
  windows: readonly NamedWindow[],
): AggregationState["result"] {
  const series = windows.find(({ spec }) => isSeries(spec));
  if (series === undefined) return result;
  if (series.suffix !== "")
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: overNamed takes windows of rows, and ${series.text} makes a list; ` +
        "give it a feature of its own, with .over(...)",
    );
  if (replaced !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: over ${series.text} it is a list, which is never null, so it takes no default; ` +
        "its elements may be null",
    );
  return { type: "list", nullable: false, element: result };
}

/** Both parts of a ratio are over the window, each with its own condition. */
function checkWindowsOfRatio(who: string, windows: readonly NamedWindow[]): void {
  const series = windows.find(({ spec }) => isSeries(spec));
  if (series !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it takes no ${series.text}, which makes lists; take the two aggregations over it`,
    );
  const found = windows.find(({ spec }) => typeof spec === "object" && spec.kind === "lastRows");
  if (found !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: its two aggregations may be over different rows of ${found.text}; divide them ` +
        'yourself, as in div(count().where(c).over(lastRows(5)), count().over("7d"))',
    );
}

/** Windows by their lengths, which are the suffixes of the features. */
function byLength(who: string, lengths: readonly unknown[]): (readonly [string, unknown])[] {
  const twice = lengths.find((length, i) => lengths.indexOf(length) < i);
  if (twice !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `${who}: "${String(twice)}" is listed twice in overEach; drop one`,
    );
  return lengths.map((length) => {
    if (definitionOfKind(length, "window") !== undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: overEach takes lengths, and ${described(length)} gives a feature no suffix; ` +
          'name it, as in .overNamed({ today: current("day", "UTC") })',
      );
    return [`_${String(length)}`, length];
  });
}

/** Windows by names, which are the suffixes of the features. */
function byName(who: string, windows: unknown): (readonly [string, unknown])[] {
  if (typeof windows !== "object" || windows === null || Array.isArray(windows))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: overNamed takes windows by name, as in .overNamed({ week: "7d" }), ` +
        `got ${described(windows)}`,
    );
  return Object.entries(windows).map(([name, window]) => [`_${name}`, window]);
}

function withCondition(state: AggregationState, who: string, condition: unknown): unknown {
  const found = conditionOf(condition);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}.where(): it takes a condition such as eq(transactions.vendor, "Hospital"), ` +
        `got ${described(condition)}; a closure cannot be stored or run elsewhere`,
    );
  if (found.inputs !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}.where(): a condition chooses rows, and ${found.text} is about features; ` +
        "compute with features and request data in a derivedView",
    );
  if (found.clock === true) throw clockOfRows(`${who}.where()`, found.text);
  if (found.windows !== undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}.where(): a condition chooses rows, and ${found.text} is about windows`,
    );
  if (state.isFact)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: the latest row is the newest one, whatever is in it; it takes no condition`,
    );
  if (state.where !== null)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it has its condition already; join them with and(...)`,
    );
  if (state.source !== null && found.source !== null && found.source !== state.source) {
    throw new TidemarkError(
      "COLUMN_OF_ANOTHER_SOURCE",
      `${who}.where(): the condition is about source "${found.source}", ` +
        `the aggregation about "${state.source}"; a feature reads one source`,
    );
  }
  return aggregationOf({
    ...state,
    source: state.source ?? found.source,
    where: found.expression,
    columns: [...state.columns, ...found.columns],
  });
}

function withDefault(state: AggregationState, who: string, value: unknown): unknown {
  if (!state.result.nullable) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it is never null, so it takes no default`,
    );
  }
  return aggregationOf({
    ...state,
    default: fromUser(value, { ...resultColumnOf(state, ""), nullable: false }, `${who}.default()`),
  });
}

function withFormerNames(state: AggregationState, who: string, names: readonly unknown[]): unknown {
  return aggregationOf({ ...state, renamedFrom: checkedFormerNames(state, who, names) });
}

/**
 * Checks the former names that `renamedFrom` is given.
 *
 * @throws DEFINITION_INVALID when there are names already, or something is no name.
 */
export function checkedFormerNames(
  { renamedFrom }: Pick<AggregationState, "renamedFrom">,
  who: string,
  names: readonly unknown[],
): readonly string[] {
  if (renamedFrom.length > 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: it has its former names already; list several in one renamedFrom("b", "a")`,
    );
  if (names.length === 0 || !names.every((name) => typeof name === "string"))
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}.renamedFrom(): it takes the former names of the feature, as in ` +
        `renamedFrom("amount"), got ${names.map(described).join(", ") || "nothing"}`,
    );
  return names;
}
