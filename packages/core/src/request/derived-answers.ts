/** Computes derived features from the answers of the features that they read. */
import type { Overflows } from "../columns/overflows.ts";
import { baseFeatures, inputName, isDerived } from "../define/base-features.ts";
import { boundExpression } from "../expr/bind.ts";
import type { Reader } from "../expr/scalar-function.ts";
import type {
  DerivedFeatureSpec,
  Expression,
  SelectedBaseFeature,
  SelectedFeature,
  TransformSpec,
  Value,
} from "../specs.ts";
import type { ResultColumns, Status } from "../spi.ts";
import { resultWriters, withDefault } from "../window/timed-rows.ts";
import type { KeyValues } from "./entity-keys.ts";
import { transformReaders } from "./transform-values.ts";

/** What a reader of features is asked. */
interface Question {
  readonly selection: readonly SelectedFeature[];
  /** For each row, the values of the keys and of the request data by name. */
  readonly keys: readonly KeyValues[];
  /** The time of all rows, µs. A question with a time for each row has `times`. */
  readonly t?: number | undefined;
  readonly times?: Float64Array | undefined;
}

/** A question about features that are computed from rows. */
export type BaseQuestion<Q extends Question> = Omit<Q, "selection"> & {
  readonly selection: readonly SelectedBaseFeature[];
};

/**
 * Makes a reader of all features of a reader of those that are computed from rows. Each of these is
 * read once. `onOverflow` is called with the number of values that left their type.
 */
export function withDerivedFeatures<Q extends Question>(
  read: (question: BaseQuestion<Q>) => Promise<readonly ResultColumns[]>,
  onOverflow: ((count: number) => void) | undefined,
): (question: Q) => Promise<readonly ResultColumns[]> {
  return (question) => {
    const { selection } = question;
    const base = baseFeatures(selection);
    if (base === selection) return read(question as BaseQuestion<Q>);
    return read({ ...question, selection: base }).then((answers) =>
      answersOf(question, base, answers, onOverflow),
    );
  };
}

function answersOf(
  { selection, keys, t, times }: Question,
  base: readonly SelectedBaseFeature[],
  answers: readonly ResultColumns[],
  onOverflow: ((count: number) => void) | undefined,
): readonly ResultColumns[] {
  const byName = new Map(base.map((one, i) => [inputName(one), answers[i]!]));
  const overflows: Overflows = { count: 0 };
  const bind = inputBinder(byName, keys, overflows, (row) => times?.[row] ?? t!);
  const columns = selection.map((one) =>
    isDerived(one) ? derivedColumns(one.feature, byName, keys, bind) : byName.get(inputName(one))!,
  );
  if (overflows.count > 0) onOverflow?.(overflows.count);
  return columns;
}

/** Binds an expression over the inputs of derived features and the outputs of these transforms. */
type InputBinder = (value: Expression, transforms?: readonly TransformSpec[]) => Reader;

/** Each transform is called once for a row, however many of its outputs are read. */
function inputBinder(
  byName: ReadonlyMap<string, ResultColumns>,
  keys: Question["keys"],
  overflows: Overflows,
  timeOf: (row: number) => number,
): InputBinder {
  const outputs = new Map<string, Reader>();
  const bind: InputBinder = (value, transforms = []) => {
    for (const transform of transforms)
      if (!outputs.has(outputName(transform, 0)))
        transformReaders(
          transform,
          (input) => bind(input, transform.transforms),
          keys.length,
        ).forEach((read, i) => outputs.set(outputName(transform, i), read));
    const columnNamed = (name: string): Reader => {
      const input = byName.get(name);
      if (input !== undefined) return (row) => input.values[row]!;
      return outputs.get(name) ?? ((row) => requestValue(keys[row]![name]));
    };
    return boundExpression(value, columnNamed, overflows, timeOf);
  };
  return bind;
}

function outputName({ name, outputs }: TransformSpec, output: number): string {
  return `${name}.${outputs[output]!.name}`;
}

function derivedColumns(
  feature: DerivedFeatureSpec,
  byName: ReadonlyMap<string, ResultColumns>,
  keys: Question["keys"],
  bind: InputBinder,
): ResultColumns {
  const inputs = feature.inputs.map((one) => byName.get(inputName(one))!);
  const compute = bind(feature.value, feature.transforms);
  const [result] = resultWriters([feature], keys.length);
  const { values, statuses, times } = result!;
  // request data are there in each request
  const isGiven = feature.request.length > 0;
  for (let row = 0; row < keys.length; row++) {
    const missing = missingStatus(inputs, row);
    if (missing !== null) {
      statuses[row] = missing;
      continue;
    }
    const value = compute(row);
    values[row] = withDefault(feature, value);
    times[row] = newestTime(inputs, row);
    if (isGiven || inputs.some((input) => input.statuses[row] !== "NOT_FOUND"))
      statuses[row] = values[row] === null ? "NULL_VALUE" : "PRESENT";
  }
  return result!;
}

/** No answer is −0 (law 3). */
function requestValue(value: Value | undefined): Value {
  return value === 0 ? 0 : (value ?? null);
}

/** Why the store cannot answer an input; null: it answers all. */
function missingStatus(inputs: readonly ResultColumns[], row: number): Status | null {
  let missing: Status | null = null;
  for (const { statuses } of inputs) {
    const status = statuses[row]!;
    if (status === "NEEDS_BACKFILL") return status;
    if (status === "NOT_READY") missing = status;
  }
  return missing;
}

/** The newest event time of the inputs, µs; NaN: none has one. */
function newestTime(inputs: readonly ResultColumns[], row: number): number {
  let newest = NaN;
  for (const { times } of inputs) {
    const time = times[row]!;
    if (Number.isNaN(newest) || time > newest) newest = time;
  }
  return newest;
}
