/** Transforms: features that a function in TypeScript computes from features and request data. */
import { describedAs, type Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import { columnExpression } from "../expr/tree.ts";
import type { DerivedFeatureSpec, DerivedViewSpec, TransformSpec, ValueType } from "../specs.ts";
import { neededColumns } from "./base-features.ts";
import type { ColumnType } from "./column-types.ts";
import { described, makeDefinition } from "./definition.ts";
import { functionOfFeatures, readByTerms, resultOfFunction } from "./derived-inputs.ts";
import type { DerivedView } from "./derived-view.ts";
import { inputsOf } from "./expression.ts";
import type {
  AnyExpr,
  AnyFeatures,
  ClockScope,
  NeedsOfScope,
  ScopeText,
} from "./expression-types.ts";
import type { SourceOf, ValueOf } from "./expression-types.ts";
import { makeFeature } from "./feature.ts";
import { viewSelection } from "./former-names.ts";
import { memberColumns } from "./member-columns.ts";
import { checkFeatureName, checkName, type BadFeatureName, type CheckName } from "./names.ts";
import type { FeatureNameForm } from "./names.ts";
import { checkMembers } from "./options.ts";
import { checkNames } from "./selection.ts";
import type { shape } from "./shape.ts";

/** The inputs of a transform by name: features, request data, and functions of these. */
export type TransformInputs = { readonly [name: string]: AnyExpr };
/** The types of a transform's outputs by name. */
// `unknown` as the value would widen the literals that `compute` returns.
export type TransformOutputs = {
  readonly [name: string]: ColumnType<
    ValueType,
    string | number | bigint | boolean | object | null
  >;
};

/** What the function of a transform gets. */
export type TransformArguments<I extends TransformInputs> = {
  readonly [K in keyof I]: ValueOf<I[K]>;
} & {};
/** What the function of a transform returns. */
export type TransformAnswers<O extends TransformOutputs> = {
  -readonly [K in keyof O]: O[K][typeof shape];
} & {};

/** What a caller must give for a transform. */
type NeedsOfInputs<I extends TransformInputs> = NeedsOfScope<SourceOf<I[keyof I]>>;
type OutputKinds<O extends TransformOutputs> = { [K in keyof O]: O[K]["type"] };
type EachOutput<O, Needs> = { [K in keyof O]: Needs };

/** Each input itself, or the sentence that says what is wrong with it. */
export type CheckTransformInputs<I extends TransformInputs> = {
  readonly [K in keyof I]: [SourceOf<I[K]>] extends [never]
    ? "this computes with no feature: an aggregation is a feature of a featureView"
    : [SourceOf<I[K]>] extends [AnyFeatures | ClockScope]
      ? I[K]
      : `this is about ${ScopeText<SourceOf<I[K]>>}: ${MakeFeature}`;
};
type MakeFeature = "make it a feature of a view, and compute with that";
/** Each output itself, or the sentence that refuses its name. */
export type CheckTransformOutputs<O extends TransformOutputs, Needs> = {
  readonly [K in keyof O]: K extends BadFeatureName
    ? `'${K}' is no name for a feature: ${FeatureNameForm}`
    : K extends keyof Needs
      ? `${K & string} is what a caller gives for it: call the feature something else`
      : O[K];
};

/** The definition of a transform. */
export interface TransformDefinition<
  I extends TransformInputs,
  O extends TransformOutputs,
> extends Metadata {
  /** Names the code: a whole number from 1 on. Raise it with every change of `compute`. */
  readonly version: number;
  readonly inputs: I;
  readonly outputs: O;
  /** A function of the inputs alone: it waits for nothing, and reads no clock. */
  readonly compute: (inputs: TransformArguments<I>) => TransformAnswers<O>;
}

/**
 * Declares features that a function in TypeScript computes from features, facts and request data.
 * The function is called once for each entity, online and for each row of a training set. It gets
 * the values as TypeScript sees them. What it returns is checked against the declared types.
 *
 * The registry stores the version, the inputs, the outputs and a hash of the function's source
 * text. `apply` refuses another text under an applied version.
 *
 * @throws DEFINITION_INVALID when the version is no whole number from 1 on, an input is no function
 * of features or request data, or `compute` is no synchronous function.
 * @throws NAME_INVALID when the name, or the name of an output, is no name.
 * @throws NAME_TAKEN when an output has the name of a key, or of request data.
 * @throws TYPE_MISMATCH when two inputs use one key with different types.
 *
 * @example
 * const order = requestData("order", { order_amount: float64() });
 * const score = transform("score", {
 *   version: 1,
 *   inputs: { count: weekly.transactions_l1w, amount: order.order_amount },
 *   outputs: { risk: float64() },
 *   compute: ({ count, amount }) => ({ risk: amount / (1 + count) }),
 * });
 */
export function transform<
  const N extends string,
  I extends TransformInputs,
  O extends TransformOutputs,
>(
  name: CheckName<N>,
  definition: TransformDefinition<I, O> & {
    readonly inputs: CheckTransformInputs<I>;
    readonly outputs: CheckTransformOutputs<O, NeedsOfInputs<I>>;
  },
): DerivedView<
  N,
  TransformAnswers<O>,
  NeedsOfInputs<I>,
  OutputKinds<O>,
  EachOutput<O, NeedsOfInputs<I>>
> {
  const who = `transform "${checkName("transform", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, [
    "version",
    "inputs",
    "outputs",
    "compute",
  ]);
  const { version, compute } = options;
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: version must be a whole number from 1 on, got ${described(version)}`,
    );
  checkCompute(who, compute);
  const members = Object.entries(checkMembers(who, "inputs", options["inputs"]));
  if (members.length === 0)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${who}: inputs is empty; list at least one, such as { amount: weekly.amount }`,
    );
  const states = members.map(([input, member]) => {
    const title = `${who}: input "${input}"`;
    const { of, default: replaced, renamedFrom } = functionOfFeatures(title, member);
    if (replaced !== undefined || renamedFrom.length > 0)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${title}: default and renamedFrom are of features; write coalesce(...) for a default`,
      );
    return of;
  });
  const { inputs: features, request, transforms } = readByTerms(inputsOf(who, states));
  const outputs = memberColumns(who, "outputs", options["outputs"]);
  const spec: TransformSpec = {
    name: name as string,
    version: version as number,
    inputs: states.map((of, i) => {
      const input = members[i]![0];
      return {
        name: input,
        value: of.expression,
        type: { ...resultOfFunction(of), name: input, database: input },
      };
    }),
    features,
    request,
    ...(transforms === undefined ? {} : { transforms }),
    outputs: outputs.map((column) => ({ ...column, database: column.name })),
    compute: compute as TransformSpec["compute"],
    code: String(compute),
    ...metadata,
  };
  const view = transformView(spec);
  const selection = viewSelection(view);
  const needed = [...new Set(selection.flatMap(neededColumns).map((column) => column.name))];
  for (const feature of view.features) checkFeatureName(who, feature.name, needed);
  checkNames(selection, who);
  return makeDefinition(
    { kind: "derived view", spec: view },
    `transform ${spec.name}`,
    Object.fromEntries(selection.map((selected) => [selected.as, makeFeature(selected)])),
  );
}

/** The view of a transform: each output is a feature. */
export function transformView(transform: TransformSpec): DerivedViewSpec {
  const { name, outputs, features: inputs, request } = transform;
  const features = outputs.map((result): DerivedFeatureSpec => ({
    name: result.name,
    value: { ...columnExpression(result), name: `${name}.${result.name}` },
    inputs,
    request,
    transforms: [transform],
    size: 1,
    default: undefined,
    result,
    ...describedAs(result),
  }));
  return { name, kind: "derived", features, transform, ...describedAs(transform) };
}

/** The classes of functions that give no value at once, by name. */
const WAITING = ["AsyncFunction", "GeneratorFunction", "AsyncGeneratorFunction"];

function checkCompute(who: string, compute: unknown): void {
  if (typeof compute === "function" && !WAITING.includes(compute.constructor.name)) return;
  const found =
    typeof compute === "function"
      ? "one that returns a promise or a generator"
      : described(compute);
  throw new TidemarkError(
    "DEFINITION_INVALID",
    `${who}: compute must be a function that returns its outputs at once, got ${found}; ` +
      "give what it would wait for as request data",
  );
}
