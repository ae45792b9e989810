/** Judges rows by what their source expects of each of them. */
import { boundExpression } from "../expr/bind.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import type { RowExpectationSpec, SourceSpec, Value } from "../specs.ts";

/** The start of the reason of a row that is quarantined because it violates an expectation. */
export const EXPECTATION_REASON = "EXPECTATION:";

/** An expectation, bound to the columns of its source. */
interface BoundExpectation {
  readonly spec: RowExpectationSpec;
  /** Indexes of the columns that the condition reads. */
  readonly columns: readonly number[];
  readonly isViolatedBy: (values: readonly Value[]) => boolean;
}

const NONE: readonly never[] = [];
const bound = new WeakMap<SourceSpec, readonly BoundExpectation[]>();

function expectationsOf(source: SourceSpec): readonly BoundExpectation[] {
  if (source.expectations === undefined) return NONE;
  let list = bound.get(source);
  if (list === undefined)
    bound.set(source, (list = source.expectations.map((spec) => bind(source, spec))));
  return list;
}

function bind(source: SourceSpec, spec: RowExpectationSpec): BoundExpectation {
  const indexOf = (name: string): number => source.columns.findIndex((one) => one.name === name);
  let row: readonly Value[] = NONE;
  const truth = boundExpression(
    spec.condition,
    (name) => {
      const index = indexOf(name);
      return () => {
        const value = row[index] ?? null;
        // no value is −0 (law 3)
        return value === 0 ? 0 : value;
      };
    },
    { count: 0 },
  );
  return {
    spec,
    columns: columnsOfExpression(spec.condition).map(indexOf),
    isViolatedBy(values) {
      row = values;
      return truth(0) === false;
    },
  };
}

/** The expectations of a source that quarantine rows. */
export function quarantiningExpectations({
  expectations = NONE,
}: Pick<SourceSpec, "expectations">): readonly RowExpectationSpec[] {
  return expectations.filter(({ onViolation }) => onViolation === "quarantine");
}

/** Names of the columns that decide which rows of a source are quarantined by an expectation. */
export function columnsOfQuarantine(source: SourceSpec): readonly string[] {
  return quarantiningExpectations(source).flatMap(({ condition }) =>
    columnsOfExpression(condition),
  );
}

/**
 * The name of the first expectation that quarantines the row; null: there is none. An expectation
 * that reads an unknown column is passed over.
 */
export function quarantiningExpectation(
  source: SourceSpec,
  values: readonly Value[],
  unknown: readonly number[],
): string | null {
  for (const { spec, columns, isViolatedBy } of expectationsOf(source))
    if (
      spec.onViolation === "quarantine" &&
      !columns.some((index) => unknown.includes(index)) &&
      isViolatedBy(values)
    )
      return spec.name;
  return null;
}

/**
 * The expectations that a row violates. An expectation that reads an unknown column is passed over.
 */
export function violatedExpectations(
  source: SourceSpec,
  values: readonly Value[],
  unknown: readonly number[],
): readonly RowExpectationSpec[] {
  const all = expectationsOf(source);
  if (all.length === 0) return NONE;
  return all.flatMap(({ spec, columns, isViolatedBy }) =>
    columns.some((index) => unknown.includes(index)) || !isViolatedBy(values) ? [] : [spec],
  );
}
