/** Explains the answer to one feature: reads its rows, sorts them, and computes it again. */
import { baseFeatures, inputName, isDerived, transformsBehind } from "../define/base-features.ts";
import { dataText } from "../define/data-text.ts";
import { TidemarkError } from "../errors.ts";
import { expressionText } from "../expr/expression-text.ts";
import { typeSpecOf } from "../expr/tree.ts";
import { compileQuery, viewPlans } from "../plan/compile.ts";
import { queryText } from "../plan/explain.ts";
import { singleValues, withDerivedFeatures } from "../request/derived-answers.ts";
import { keysNeeded, type KeyValues } from "../request/entity-keys.ts";
import type { Knowledge } from "../request/request-types.ts";
import type {
  DerivedFeatureSpec,
  Expression,
  SelectedDerivedFeature,
  SelectedFeature,
  TypeSpec,
  ViewSpec,
} from "../specs.ts";
import type { ResultColumns } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { typeText } from "../types/type-text.ts";
import { evaluatePlan } from "./evaluate-plan.ts";
import { jsonOf, jsonRow } from "./exact-json.ts";
import type { ExplainFrom, Explanation, ExplainedAnswer, ExplainedStep } from "./explain-types.ts";
import { explainedParts } from "./explained-parts.ts";
import { explanationText } from "./explanation-text.ts";
import type { LoggedRows } from "./logged-rows.ts";
import { testText, type ExportedNames } from "./test-text.ts";
import { maskedIf, masksAny, type Masking } from "./masking.ts";
import { planParts, type PlanPart } from "./plan-parts.ts";
import { readViewRows, type ViewRows } from "./view-rows.ts";

/** A question about one feature of one entity. */
export interface ExplainQuestion {
  readonly selected: SelectedFeature;
  readonly keys: KeyValues;
  /** µs. */
  readonly t: number;
  readonly knowledge: Knowledge;
  readonly from: ExplainFrom;
  readonly maxRows: number;
  /** Which values are not shown. */
  readonly masking: Masking;
  /** Under what names the definitions are exported, for `toTest`. */
  readonly exported: ExportedNames;
}

/** What answers questions: the path that serves, and the rows behind it. */
export interface ExplainSources {
  readonly logged: LoggedRows;
  /** Answers as the store does. */
  answer(selection: readonly SelectedFeature[], knowledge: Knowledge): Promise<ResultColumns>;
}

/** The parts of one view of the selection. */
export interface ViewParts {
  readonly view: ViewSpec;
  readonly rows: ViewRows;
  readonly parts: readonly PlanPart[];
  /** Whether the values of its features are not shown. */
  readonly isMasked: boolean;
}

/** Explains an answer. */
export async function explainFeature(
  question: ExplainQuestion,
  sources: ExplainSources,
): Promise<Explanation> {
  const { selected, keys, t, knowledge, from } = question;
  const selection = [selected];
  const served = await sources.answer(selection, knowledge);
  const views: ViewParts[] = [];
  const steps: ExplainedStep[] = [];
  const base = baseFeatures(selection);
  const answers = new Map<string, ResultColumns>();
  for (const { view, plan, indexes } of viewPlans(base)) {
    const rows = await readViewRows(view, keys, question, sources.logged);
    const there = rows.rows.filter(({ leftOut }) => leftOut === null);
    const values = evaluatePlan(rows.source, plan, there, t);
    const isMasked = indexes.some((index) => question.masking.feature(base[index]!));
    views.push({ view, rows, parts: planParts(rows, plan, values, t), isMasked });
    indexes.forEach((index, c) => {
      const answer = values.columns[c]!;
      const one = base[index]!;
      answers.set(inputName(one), answer);
      const { value, default: replaced } = plan.columns[c]!;
      if (value.op === "column" && replaced === undefined) return;
      const text = expressionText(value);
      const expression =
        replaced === undefined ? text : `${text}; null is ${defaultText(replaced, value)}`;
      steps.push(step(inputName(one), expression, answer, one.feature.result, isMasked));
    });
  }
  const recomputed = await recompute(question, answers, steps);
  const { result, name } = selected.feature;
  const other = await otherAnswer(question, served, sources);
  const parts = await explainedParts(views, question, sources.logged);
  const isMasked = question.masking.feature(selected);
  const explanation = {
    feature: `${selected.view.name}.${name}`,
    type: typeText(result),
    entity: entityRow(question),
    asOf: formatTime(t),
    from,
    knowledge,
    value: maskedIf(isMasked, jsonOf(served.values[0]!, result)),
    status: served.statuses[0]!,
    eventTime: timeOrNull(served.times[0]!),
    isReproduced: sameAnswer(served, recomputed),
    other,
    plan: queryText(compileQuery(selection).query),
    steps,
    parts,
  };
  return withTexts(explanation, () => {
    if (masksAny(question.masking, selected)) throw testMasked(explanation.feature);
    return testText({ ...explanation, value: served.values[0]! }, views, question);
  });
}

/** Adds the methods, which JSON leaves out. */
function withTexts(
  data: Omit<Explanation, "toString" | "toTest">,
  toTest: () => string,
): Explanation {
  return Object.defineProperties(data, {
    toString: { value: () => explanationText(data) },
    toTest: { value: toTest },
  }) as Explanation;
}

function step(
  name: string,
  expression: string,
  { values, statuses }: ResultColumns,
  type: TypeSpec,
  isMasked: boolean,
): ExplainedStep {
  const value = maskedIf(isMasked, jsonOf(values[0]!, type));
  return { name, expression, value, status: statuses[0]! };
}

/** The error of a test that would hold personal values. */
function testMasked(feature: string): TidemarkError {
  return new TidemarkError(
    "PERSONAL_MASKED",
    `explain: a test of ${feature} would hold values of personal columns, which are masked here: ` +
      'explain with personal: "show", or with --show-personal, or with a token of scope "personal"',
  );
}

function defaultText(replaced: unknown, value: Expression): string {
  return JSON.stringify(jsonOf(replaced as null, typeSpecOf(value)));
}

/**
 * Computes the feature from the answers of its base features, and adds a step for each transform
 * and for the feature itself where it is derived.
 */
async function recompute(
  { selected, keys, t, masking }: ExplainQuestion,
  answers: ReadonlyMap<string, ResultColumns>,
  steps: ExplainedStep[],
): Promise<ResultColumns> {
  if (!isDerived(selected)) return answers.get(inputName(selected))!;
  const read = withDerivedFeatures(
    singleValues,
    async ({ selection }) => selection.map((one) => answers.get(inputName(one))!),
    undefined,
  );
  const ask = async (asked: readonly SelectedFeature[]): Promise<readonly ResultColumns[]> =>
    read({ selection: asked, keys: [keys], t });
  for (const transform of transformsBehind(selected.feature)) {
    const outputs = transform.outputs.map((output): SelectedDerivedFeature => {
      const name = `${transform.name}.${output.name}`;
      const feature: DerivedFeatureSpec = {
        name,
        value: { op: "column", name, ...typeSpecOf(output) },
        inputs: transform.features,
        request: transform.request,
        transforms: [transform],
        size: 1,
        default: undefined,
        result: output,
      };
      return { view: { ...selected.view, features: [feature] }, feature, as: name };
    });
    const computed = await ask(outputs);
    const inputs = transform.inputs.map(({ name, value }) => `${name}: ${expressionText(value)}`);
    outputs.forEach(({ as, feature }, i) =>
      steps.push(
        step(
          as,
          `transform ${transform.name}, version ${transform.version}, of ${inputs.join(", ")}`,
          computed[i]!,
          feature.result,
          masking.feature(selected) || masking.feature(outputs[i]!),
        ),
      ),
    );
  }
  const [answer] = await ask([selected]);
  const { feature, view } = selected;
  const name = `${view.name}.${feature.name}`;
  const text = expressionText(feature.value);
  steps.push(step(name, text, answer!, feature.result, masking.feature(selected)));
  return answer!;
}

/** Answers as the store does under the other knowledge. null: the answer is the same. */
async function otherAnswer(
  { selected, knowledge, from, masking }: ExplainQuestion,
  served: ResultColumns,
  sources: ExplainSources,
): Promise<ExplainedAnswer | null> {
  if (from === "online") return null;
  const other = knowledge === "as-known" ? "as-corrected" : "as-known";
  const answer = await sources.answer([selected], other);
  const isSame =
    dataText(answer.values[0]) === dataText(served.values[0]) &&
    answer.statuses[0] === served.statuses[0];
  if (isSame) return null;
  return {
    knowledge: other,
    value: maskedIf(masking.feature(selected), jsonOf(answer.values[0]!, selected.feature.result)),
    status: answer.statuses[0]!,
  };
}

/** Whether two answers have the same bits, status and event time. */
function sameAnswer(a: ResultColumns, b: ResultColumns): boolean {
  return (
    dataText(a.values[0]) === dataText(b.values[0]) &&
    a.statuses[0] === b.statuses[0] &&
    Object.is(a.times[0], b.times[0])
  );
}

function entityRow({ selected, keys }: ExplainQuestion): Explanation["entity"] {
  const needed = keysNeeded([selected]);
  return jsonRow(
    needed,
    needed.map(({ name }) => keys[name] ?? null),
  );
}

/** NaN is no time. */
function timeOrNull(micros: number): string | null {
  return Number.isFinite(micros) ? formatTime(micros) : null;
}
