/** Expectations, each about the rows of a source or about features. */
import { TidemarkError } from "../errors.ts";
import type { UsualVolume } from "../specs.ts";
import {
  described,
  makeDefinition,
  type ExpectationState,
  type ExpressionState,
} from "./definition.ts";
import { durationMicros, type CheckDuration } from "./duration.ts";
import { conditionOf, expressionOf } from "./expression.ts";
import type { AnyExpr, Arg, Ordered, SourceOf } from "./expression-types.ts";
import { checkOptions } from "./options.ts";
import type { shape } from "./shape.ts";

/** An expectation about the rows of source `About`, about features, or about any rows. */
export interface Expectation<out About extends string> {
  readonly [shape]: { readonly about: About };
}
/** What `fresh` and `volume` are about. */
export type AnyRows = "the rows of a source";

type CheckUnique<L extends readonly AnyExpr[]> = { readonly [I in keyof L]: Ordered<L[I]> };

/**
 * Expects that a condition is true in every row, or in a share of the rows. Rows in which it is
 * unknown are passed over. In the `expect` of a source it says what becomes of a row that violates
 * it, in the stream and on every other path.
 *
 * @throws DEFINITION_INVALID when the argument is no condition, or an option is wrong.
 *
 * @example
 * const positive = holds(gt(transactions.amount, 0), { share: 0.99 });
 */
export function holds<E extends AnyExpr>(
  condition: Arg<E, "boolean", "an expectation is a condition">,
  options?: {
    /** The least share of true among true and false, from 0 to 1. Default: 1. */
    readonly share?: number | undefined;
    /**
     * What becomes of a row in which the condition is false. Only the `expect` of a source takes
     * another value than "flag".
     *
     * - flag: the row is counted.
     * - quarantine: the row is in no window. `tidemark quarantine` lists it.
     * - stop: the run ends with `EXPECTATION_FAILED` before any store has the row. A push of such
     *   a row is refused.
     *
     * Default: "flag".
     */
    readonly onViolation?: "flag" | "quarantine" | "stop" | undefined;
  },
): Expectation<SourceOf<E>> {
  const found = conditionOf(condition);
  if (found === undefined)
    throw invalid(
      `holds: it takes a condition, such as gt(payments.amount, 0), got ${described(condition)}`,
    );
  const { share = 1, onViolation = "flag" } = checkOptions("holds", options ?? {}, [
    "share",
    "onViolation",
  ]);
  if (typeof share !== "number" || !(share >= 0 && share <= 1))
    throw invalid(`holds: share is a number from 0 to 1, such as 0.99, got ${described(share)}`);
  if (onViolation !== "flag" && onViolation !== "quarantine" && onViolation !== "stop")
    throw invalid(
      `holds: onViolation is "flag", "quarantine" or "stop", and not ${described(onViolation)}`,
    );
  return expectation({
    test: "holds",
    condition: notOfWindows("holds", found),
    share,
    onViolation,
  });
}

/**
 * Expects that no two rows have the same values in these columns. Rows with a null among them are
 * passed over.
 *
 * @throws DEFINITION_INVALID when an argument is no column and no function of columns.
 *
 * @example
 * const oneId = unique(transactions.user_id, transactions.time);
 */
export function unique<const L extends readonly [AnyExpr, ...AnyExpr[]]>(
  ...columns: CheckUnique<L>
): Expectation<SourceOf<L[number]>> {
  if (columns.length === 0) throw invalid("unique: name at least one column");
  return expectation({
    test: "unique",
    columns: (columns as readonly unknown[]).map((column) => {
      const found = expressionOf(column);
      if (found === undefined)
        throw invalid(`unique: it takes columns, such as payments.id, got ${described(column)}`);
      return notOfWindows("unique", found);
    }),
  });
}

/**
 * Expects that the newest row is at most so old. The age counts from the event time, or from the
 * commit of a dimension's version.
 *
 * @throws DURATION_INVALID when the duration is none.
 *
 * @example
 * const onTime = fresh("15m");
 */
export function fresh<const D extends string>(within: CheckDuration<D>): Expectation<AnyRows> {
  return expectation({ test: "fresh", within: durationMicros("fresh", within) });
}

/**
 * Expects a number of rows in the window of this length: between bounds, or like the number of the
 * windows before. Windows before the first row do not count, and without any that counts the number
 * is not compared.
 *
 * @throws DURATION_INVALID when the duration is none.
 * @throws DEFINITION_INVALID when a bound is no whole number from 0 on, or there is none.
 *
 * @example
 * const enough = volume("1d", { atLeast: 10_000, atMost: 1_000_000 });
 * const usualDay = volume("1d", { previous: 7, within: 0.5 });
 */
export function volume<const D extends string>(
  per: CheckDuration<D>,
  rows: {
    readonly atLeast?: number | undefined;
    readonly atMost?: number | undefined;
    /** How many windows of this length before count, from 1 to 1,000. */
    readonly previous?: number | undefined;
    /** How far the number may be from their median, as a share of it: 0.5 is 50 %. */
    readonly within?: number | undefined;
  },
): Expectation<AnyRows> {
  const options = checkOptions("volume", rows, ["atLeast", "atMost", "previous", "within"]);
  const bound = (name: string): number | null => {
    const value = options[name];
    if (value === undefined) return null;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(`volume: ${name} is a number of rows, such as 1000, got ${described(value)}`);
  };
  const [atLeast, atMost] = [bound("atLeast"), bound("atMost")];
  const usual = usualVolume(options["previous"], options["within"]);
  if (atLeast === null && atMost === null && usual === undefined)
    throw invalid(
      "volume: give atLeast, atMost or both, as in { atLeast: 1000 }, or compare with the " +
        "windows before, as in { previous: 7, within: 0.5 }",
    );
  if (atLeast !== null && atMost !== null && atLeast > atMost)
    throw invalid(`volume: atLeast is ${atLeast} and atMost ${atMost}; no number is both`);
  const micros = durationMicros("volume", per);
  return expectation({ test: "volume", per: micros, atLeast, atMost, usual });
}

/** The most windows before that a volume is compared with. */
const MOST_PREVIOUS = 1_000;

function usualVolume(previous: unknown, within: unknown): UsualVolume | undefined {
  if (previous === undefined && within === undefined) return undefined;
  if (
    typeof previous !== "number" ||
    !Number.isInteger(previous) ||
    previous < 1 ||
    previous > MOST_PREVIOUS
  )
    throw invalid(
      `volume: previous is a number of windows from 1 to ${MOST_PREVIOUS}, such as 7, got ` +
        described(previous),
    );
  if (typeof within !== "number" || !(within >= 0 && within < Infinity))
    throw invalid(
      `volume: within is a share of the median from 0 on, such as 0.5, got ${described(within)}`,
    );
  return { previous, within };
}

/** Refuses an expression of windows. */
export function notOfWindows(who: string, state: ExpressionState): ExpressionState {
  if (state.windows === undefined) return state;
  throw invalid(
    `${who}: ${state.text} is about windows; make a feature of it, and expect something of that`,
  );
}

function expectation<About extends string>(state: ExpectationState): Expectation<About> {
  return makeDefinition({ kind: "expectation", state }, `${state.test}(...)`);
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", message);
}
