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
  /** The time of all rows, µs. A question with a time for each row has `times`. */
  readonly t?: number | undefined;
  readonly times?: Float64Array | undefined;
}

/** A question about features that are computed from rows. */
export type BaseQuestion<Q extends Question> = Omit<Q, "selection"> & {
  readonly selection: readonly SelectedBaseFeature[];
};

/** The forms in which a reader takes rows and gives answers. */
export interface AnswerForms<Q extends Question, Column> {
  /** The number of rows of a question. */
  length(question: Q): number;
  /** Reads a key or request data by name. */
  given(question: Q, name: string): Reader;
  /** The single values of answers. */
  open(column: Column): ResultColumns;
  /** The answers to a derived feature. */
  close(answers: ResultColumns, feature: DerivedFeatureSpec): Column;
}

/** Questions with one object of keys for each row, and answers as single values. */
export const singleValues: AnswerForms<
  Question & { readonly keys: readonly KeyValues[] },
  ResultColumns
> = {
  length: ({ keys }) => keys.length,
  given:
    ({ keys }, name) =>
    (row) =>
      keys[row]![name] ?? null,
  open: (column) => column,
  close: (answers) => answers,
};

/**
 * Makes a reader of all features of a reader of those that are computed from rows. Each of these is
 * read once. `onOverflow` is called with the number of values that left their type.
 */
export function withDerivedFeatures<Q extends Question, Column>(
  forms: AnswerForms<Q, Column>,
  read: (question: BaseQuestion<Q>) => Promise<readonly Column[]>,
  onOverflow: ((count: number) => void) | undefined,
): (question: Q) => Promise<readonly Column[]> {
  return (question) => {
    const { selection } = question;
    const base = baseFeatures(selection);
    if (base === selection) return read(question as BaseQuestion<Q>);
    return read({ ...question, selection: base }).then((answers) =>
      answersOf(forms, question, base, answers, onOverflow),
    );
  };
}

function answersOf<Q extends Question, Column>(
  forms: AnswerForms<Q, Column>,
  question: Q,
  base: readonly SelectedBaseFeature[],
  answers: readonly Column[],
  onOverflow: ((count: number) => void) | undefined,
): readonly Column[] {
  const { selection, t, times } = question;
  const columns = new Map(base.map((one, i) => [inputName(one), answers[i]!]));
  const opened = new Map<string, ResultColumns>();
  const inputs: Inputs = {
    length: forms.length(question),
    named(name) {
      const column = columns.get(name);
      if (column === undefined) return null;
      let input = opened.get(name);
      if (input === undefined) opened.set(name, (input = forms.open(column)));
      return input;
    },
    given: (name) => forms.given(question, name),
    timeOf: (row) => times?.[row] ?? t!,
  };
  const overflows: Overflows = { count: 0 };
  const bind = inputBinder(inputs, overflows);
  const result = selection.map((one) =>
    isDerived(one)
      ? forms.close(derivedColumns(one.feature, inputs, bind), one.feature)
      : columns.get(inputName(one))!,
  );
  if (overflows.count > 0) onOverflow?.(overflows.count);
  return result;
}

/** What derived features are computed from. */
interface Inputs {
  /** The number of rows. */
  readonly length: number;
  /** The answers to a feature that is computed from rows. null: there is none of this name. */
  named(name: string): ResultColumns | null;
  /** Reads a key or request data. */
  given(name: string): Reader;
  timeOf(row: number): number;
}

/** Binds an expression over the inputs of derived features and the outputs of these transforms. */
type InputBinder = (value: Expression, transforms?: readonly TransformSpec[]) => Reader;

/** Each transform is called once for a row, however many of its outputs are read. */
function inputBinder({ length, named, given, timeOf }: Inputs, overflows: Overflows): InputBinder {
  const outputs = new Map<string, Reader>();
  const bind: InputBinder = (value, transforms = []) => {
    for (const transform of transforms)
      if (!outputs.has(outputName(transform, 0)))
        transformReaders(transform, (input) => bind(input, transform.transforms), length).forEach(
          (read, i) => outputs.set(outputName(transform, i), read),
        );
    const columnNamed = (name: string): Reader => {
      const input = named(name);
      if (input !== null) return (row) => input.values[row]!;
      const output = outputs.get(name);
      if (output !== undefined) return output;
      const read = given(name);
      return (row) => withoutMinusZero(read(row));
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
  { length, named }: Inputs,
  bind: InputBinder,
): ResultColumns {
  const inputs = feature.inputs.map((one) => named(inputName(one))!);
  const compute = bind(feature.value, feature.transforms);
  const [result] = resultWriters([feature], length);
  const { values, statuses, times } = result!;
  // request data are there in each request
  const isGiven = feature.request.length > 0;
  for (let row = 0; row < length; row++) {
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
function withoutMinusZero(value: Value): Value {
  return value === 0 ? 0 : value;
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
