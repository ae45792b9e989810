/** Qualities: the expectations of one source, view or service under a name. */
import type { Metadata } from "../metadata.ts";
import { checkDescribed } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type {
  ExpectationSpec,
  InputFeature,
  QualitySpec,
  QualityTarget,
  TransformSpec,
} from "../specs.ts";
import { baseFeatures, inputName } from "./base-features.ts";
import {
  definitionOf,
  definitionOfKind,
  described,
  makeDefinition,
  type ExpectationState,
  type ExpressionState,
} from "./definition.ts";
import { readSource, sourceWord } from "./derived-source.ts";
import { conditionOf } from "./expression.ts";
import type { AnyExpr, AnyFeatures, Arg, ScopeText, SourceOf } from "./expression-types.ts";
import { checkName, type CheckName } from "./names.ts";
import { checkMembers } from "./options.ts";
import { selectedFeatures, type AnySelection } from "./selection.ts";
import { notOfWindows, type AnyRows, type Expectation } from "./expectations.ts";
import type { shape } from "./shape.ts";
import type { AnySource } from "./source.ts";

/** Expectations by name. A condition stands for `holds` of it. */
export type Expectations = { readonly [name: string]: Expectation<string> | AnyExpr };
type AboutOf<X> = X extends AnyExpr
  ? SourceOf<X>
  : X extends Expectation<infer About>
    ? About
    : never;
type Allowed<On> = On extends AnySource ? AnyRows | On[typeof shape]["name"] : AnyFeatures;
/** Each expectation itself, or the sentence that refuses it. */
export type CheckExpectations<X extends Expectations, On> = {
  readonly [N in keyof X]: [AboutOf<X[N]>] extends [Allowed<On>]
    ? X[N] extends AnyExpr
      ? Arg<X[N], "boolean", "an expectation is a condition">
      : X[N]
    : `this is about ${ScopeText<AboutOf<X[N]>>}, and must be about ${ScopeText<Allowed<On>>}`;
};

/** The expectations of one source, view or service. */
export interface Quality<out N extends string> {
  readonly [shape]: { readonly quality: N };
}

/**
 * Declares what must hold of the rows of a source, or of the features that a view or a service
 * answers. `store.quality` and `tidemark quality` check it as of a time, over the history. They
 * report, and filter nothing. No answer depends on a quality.
 *
 * @throws DEFINITION_INVALID when an option is wrong, or features are of several entities.
 * @throws COLUMN_OF_ANOTHER_SOURCE when an expectation is about something else.
 *
 * @example
 * const checked = quality("transactions_quality", {
 *   on: transactions,
 *   expect: {
 *     positive: holds(gt(transactions.amount, 0), { share: 0.99 }),
 *     on_time: fresh("15m"),
 *     usual_day: volume("1d", { atLeast: 10_000 }),
 *   },
 * });
 */
export function quality<
  const N extends string,
  On extends AnySource | AnySelection,
  X extends Expectations,
>(
  name: CheckName<N>,
  definition: Metadata & {
    /** A source, a derived source, a view, a feature or a service. */
    readonly on: On;
    /** The expectations by name. */
    readonly expect: X & CheckExpectations<X, NoInfer<On>>;
    /** "error" fails a check; "warning" is reported only. Default: "error". */
    readonly severity?: "error" | "warning" | undefined;
  },
): Quality<N> {
  const who = `quality "${checkName("quality", name)}"`;
  const { options, metadata } = checkDescribed(who, definition, ["on", "expect", "severity"]);
  const { severity = "error" } = options;
  if (severity !== "error" && severity !== "warning")
    throw invalid(`${who}: severity is "error" or "warning", and not ${described(severity)}`);
  const members = Object.entries(checkMembers(who, "expect", options["expect"]));
  if (members.length === 0)
    throw invalid(`${who}: expect is empty; name at least one, as in { on_time: fresh("15m") }`);
  const states = members.map(([member, value]): readonly [string, ExpectationState] => {
    checkName("expectation", member);
    return [member, stateOf(`${who}: expect.${member}`, value)];
  });
  const spec: QualitySpec = {
    name: name as string,
    on: targetOf(who, options["on"], states),
    severity,
    expectations: states.map(([member, state]) => specOfState(member, state)),
    ...metadata,
  };
  return makeDefinition({ kind: "quality", spec }, who);
}

function stateOf(where: string, value: unknown): ExpectationState {
  const state = definitionOfKind(value, "expectation")?.state;
  if (state === undefined) {
    const condition = conditionOf(value);
    if (condition === undefined)
      throw invalid(
        `${where} is ${described(value)}; give a condition, holds(...), unique(...), ` +
          "fresh(...) or volume(...)",
      );
    return {
      test: "holds",
      condition: notOfWindows(where, condition),
      share: 1,
      onViolation: "flag",
    };
  }
  if (state.test === "holds" && state.onViolation !== "flag")
    throw invalid(
      `${where}: a quality reports, and onViolation: "${state.onViolation}" acts on each row; ` +
        "put it into the option expect of the source",
    );
  return state;
}

type NamedStates = readonly (readonly [name: string, state: ExpectationState])[];

function targetOf(who: string, on: unknown, states: NamedStates): QualityTarget {
  const source = readSource(on);
  if (source?.parts !== undefined)
    throw invalid(
      `${who}: "${source.name}" is ${sourceWord(source)}; expect it of each source below, ` +
        "or of a view over it",
    );
  if (source !== undefined) {
    const { name, spec, lookups, rows } = source;
    for (const [member, one] of expressionsOf(states))
      if (one.inputs !== undefined || (one.source !== null && one.source !== name))
        throw otherTarget(who, member, one, `source "${name}"`);
    return {
      kind: "source",
      name,
      source: spec,
      ...(lookups.length === 0 ? {} : { lookups }),
      ...(rows === null ? {} : { rows }),
    };
  }
  const found = definitionOf(on);
  const isSelection = ["view", "derived view", "service", "feature"].includes(found?.kind ?? "");
  if (!isSelection)
    throw invalid(`${who}: on must be a source, a view or a service, got ${described(on)}`);
  const answered = new Map(
    baseFeatures(selectedFeatures(on, who)).map((one): [string, InputFeature] => [
      inputName(one),
      { view: one.view, feature: one.feature },
    ]),
  );
  const inputs = new Map<string, InputFeature>();
  const transforms = new Map<string, TransformSpec>();
  for (const [member, state] of states)
    if (state.test === "fresh" || state.test === "volume")
      throw invalid(
        `${who}: expect.${member} is about the rows of a source, and ${described(on)} answers ` +
          `features; put ${state.test}(...) into a quality on the source`,
      );
  for (const [member, one] of expressionsOf(states)) {
    if (one.source !== null) throw otherTarget(who, member, one, described(on));
    for (const input of one.inputs ?? []) {
      if (input.kind === "request")
        throw invalid(
          `${who}: expect.${member} reads request data ${input.name}, which a check does not ` +
            "have; expect something of the features alone",
        );
      if (input.kind === "transform") transforms.set(input.name, input.transform);
      else if (!answered.has(input.name)) throw otherTarget(who, member, one, described(on));
      else inputs.set(input.name, answered.get(input.name)!);
    }
  }
  const entities = new Set([...inputs.values()].map(({ view }) => view.entity.name));
  if (entities.size !== 1)
    throw invalid(
      `${who}: its features are of ${[...entities].join(", ") || "no entity"}, ` +
        "and a check goes through the entities of one; make a quality for each entity",
    );
  return {
    kind: "features",
    name: described(on),
    inputs: [...inputs.values()],
    ...(transforms.size === 0 ? {} : { transforms: [...transforms.values()] }),
  };
}

/** The expressions of the expectations, each with the name of its expectation. */
function expressionsOf(states: NamedStates): readonly (readonly [string, ExpressionState])[] {
  return states.flatMap(([member, state]) =>
    state.test === "holds"
      ? [[member, state.condition] as const]
      : state.test === "unique"
        ? state.columns.map((column) => [member, column] as const)
        : [],
  );
}

function specOfState(name: string, state: ExpectationState): ExpectationSpec {
  switch (state.test) {
    case "holds":
      return { name, kind: "holds", condition: state.condition.expression, share: state.share };
    case "unique":
      return { name, kind: "unique", columns: state.columns.map(({ expression }) => expression) };
    case "fresh":
      return { name, kind: "fresh", within: state.within };
    case "volume": {
      const { per, atLeast, atMost, usual } = state;
      const compared = usual === undefined ? {} : { usual };
      return { name, kind: "volume", per, atLeast, atMost, ...compared };
    }
  }
}

function otherTarget(
  who: string,
  member: string,
  { text }: ExpressionState,
  target: string,
): TidemarkError {
  return new TidemarkError(
    "COLUMN_OF_ANOTHER_SOURCE",
    `${who}: expect.${member}: ${text} is not about ${target}; give it a quality of its own`,
  );
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", message);
}
