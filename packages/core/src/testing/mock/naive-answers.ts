/**
 * A slow and obvious twin of both paths. It goes through all changes and rows for each answer, and
 * uses no store.
 */
import { evaluatePlan } from "../../explain/evaluate-plan.ts";
import { viewPlans } from "../../plan/compile.ts";
import {
  singleValues,
  withDerivedFeatures,
  type BaseQuestion,
} from "../../request/derived-answers.ts";
import type { SourceSpec } from "../../specs.ts";
import type { ResultColumns } from "../../spi.ts";
import { viewRows } from "./view-rows.ts";
import type { MockRowChange } from "./mock-log.ts";
import type { MockAsked } from "./mock-paths.ts";

interface NaiveQuestion extends Omit<MockAsked, "keys"> {
  readonly keys: readonly MockAsked["keys"][];
}

/** Answers a question from all changes. `changesOf` returns those of a source. */
export async function naiveAnswers(
  { keys, ...asked }: MockAsked,
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): Promise<readonly ResultColumns[]> {
  const read = withDerivedFeatures<NaiveQuestion, ResultColumns>(
    singleValues,
    async (question) => baseAnswers(question, changesOf),
    undefined,
  );
  return read({ ...asked, keys: [keys] });
}

function baseAnswers(
  question: BaseQuestion<NaiveQuestion>,
  changesOf: (source: SourceSpec) => readonly MockRowChange[],
): readonly ResultColumns[] {
  const answers = new Array<ResultColumns>(question.selection.length);
  for (const { view, plan, indexes } of viewPlans(question.selection)) {
    const asked = { ...question, keys: question.keys[0]! };
    const { source, rows } = viewRows(view, asked, changesOf);
    const there = rows.filter(({ removed }) => removed === null);
    const { columns } = evaluatePlan(source, plan, there, question.t);
    indexes.forEach((index, column) => {
      answers[index] = columns[column]!;
    });
  }
  return answers;
}
