/** A store in memory for unit tests of definitions, whose answers are computed three ways. */
import { sourcesOf } from "../../plan/columns-read.ts";
import { collectDefinitions } from "../../define/collect-definitions.ts";
import { selectedFeatures } from "../../define/selection.ts";
import { described } from "../../define/definition.ts";
import { specOfSource } from "../../define/spec-of.ts";
import { timeOf } from "../../define/time-input.ts";
import { didYouMean } from "../../did-you-mean.ts";
import { TidemarkError } from "../../errors.ts";
import { exportedNames, onlyFeature } from "../../explain/explainer.ts";
import { literalText } from "../../expr/expression-text.ts";
import {
  flagOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "../../option-checks.ts";
import { keysReader } from "../../request/entity-keys.ts";
import { answerOf } from "../../request/online-request.ts";
import { answerRow } from "../../request/result-rows.ts";
import type { SelectedFeature, SourceSpec, Value } from "../../specs.ts";
import type { ResultColumns } from "../../spi.ts";
import { formatTime } from "../../time/parse-time.ts";
import { MockLog, type MockRowChange } from "./mock-log.ts";
import { onlinePath, trainingPath, type MockAsked } from "./mock-paths.ts";
import type { MockStore } from "./mock-types.ts";
import { naiveAnswers } from "./naive-answers.ts";

const ASK_OPTIONS: OptionNames = {
  names: new Set(["asOf", "knowledge", "metadata"]),
  renamed: { at: "asOf", asKnown: 'knowledge: "as-known"' },
};
const EXPLAIN_OPTIONS: OptionNames = {
  names: new Set(["asOf", "knowledge"]),
  renamed: ASK_OPTIONS.renamed,
};

/**
 * Makes a store in memory for unit tests of definitions. It needs no service and no clock. `put`
 * and `remove` say what happened to the rows of a source, and `ask` answers features as of a time.
 *
 * Each answer is computed by the online path, by the path of training sets, and anew from all rows.
 * A difference throws.
 *
 * @throws DEFINITION_CONFLICT when definitions contradict each other.
 *
 * @example
 * const bank = mockStore(await import("./features.ts"));
 * bank.put(logins, [{ id: "1", user_id: "ann", time: "2026-03-01T10:00:00Z" }]);
 * bank.remove(logins, [{ id: "1" }], { at: "2026-03-02T00:00:00Z" });
 * const row = await bank.ask(weekly, { user_id: "ann" }, { asOf: "2026-03-03T00:00:00Z" });
 */
export function mockStore(definitions: { readonly [exported: string]: unknown }): MockStore {
  const { sources, views } = collectDefinitions(definitions);
  const logs = new Map([...sources].map(([name, spec]) => [name, new MockLog(spec)]));
  const openOnline = (): ReturnType<typeof onlinePath> => onlinePath([...views.values()]);
  const online = openOnline();
  // a failure is that of the questions
  online.catch(() => undefined);
  const training = trainingPath();
  const exported = exportedNames(definitions);
  /** Questions are answered one after the other, each over the changes of its call. */
  let turn: Promise<unknown> = Promise.resolve();

  function logOf(call: string, asked: unknown): MockLog {
    const { name } = specOfSource(asked);
    const found = logs.get(name);
    if (found !== undefined) return found;
    throw unknownSource(call, name);
  }

  function unknownSource(call: string, name: string): TidemarkError {
    return new TidemarkError(
      "SOURCE_UNKNOWN",
      `${call}: the definitions have no source "${name}"${didYouMean(name, logs.keys())}; they ` +
        `have ${[...logs.keys()].join(", ") || "none"}: give mockStore the module that exports it`,
    );
  }

  function readQuestion(
    call: string,
    features: unknown,
    keys: unknown,
    given: unknown,
    names: OptionNames,
  ): MockAsked & { readonly metadata: boolean } {
    if (typeof given !== "object" || given === null)
      throw new TidemarkError(
        "OPTION_INVALID",
        `${call}: the time is missing; give { asOf: "2026-03-26T00:00:00Z" } as the third ` +
          `argument, got ${described(given)}`,
      );
    refuseUnknownOptions(call, given, names);
    const { asOf, knowledge, metadata } = given as Readonly<Record<string, unknown>>;
    const selection = selectedFeatures(features, call);
    const unknown = sourcesOf(selection).find(({ name }) => !logs.has(name));
    if (unknown !== undefined) throw unknownSource(call, unknown.name);
    return {
      selection,
      keys: keysReader(selection).read(keys, 0),
      t: timeOf(asOf, `${call}: asOf`),
      knowledge: wordOption("knowledge", knowledge, ["as-corrected", "as-known"]),
      metadata: flagOption(`${call}: metadata`, metadata),
    };
  }

  /** Computes an answer over the changes of now, on every path, and then what follows from it. */
  async function compute<T>(
    call: string,
    asked: MockAsked,
    then: (answers: readonly ResultColumns[]) => Promise<T>,
  ): Promise<T> {
    const { knowledge, t } = asked;
    const counts = new Map([...logs].map(([name, { changes }]) => [name, changes.length]));
    const changesOf = ({ name }: SourceSpec): readonly MockRowChange[] =>
      logs.get(name)!.changes.slice(0, counts.get(name));
    const answer = turn.then(async () => {
      const read = sourcesOf(asked.selection).map(({ name }) => logs.get(name)!);
      for (const log of read) await training.apply(log, counts.get(log.source.name)!);
      const served = knowledge === "as-known" ? await openOnline() : await online;
      for (const log of read) {
        const changes = changesOf(log.source);
        // what serving without lag has applied at t: what was committed before (law 6)
        const seen =
          knowledge === "as-known" ? changes.filter(({ committed }) => committed < t) : changes;
        await served.applyChanges(log, seen);
      }
      const answers = {
        "the online path": await served.answer(asked),
        "the training path": await training.answer(asked),
        "all rows anew": await naiveAnswers(asked, changesOf),
      };
      refuseDifference(call, asked, answers);
      return then(answers["the online path"]);
    });
    turn = answer.catch(() => undefined);
    return answer;
  }

  const store = {
    put(source: unknown, rows: unknown, options?: unknown) {
      logOf("put", source).put(rows, options);
    },
    remove(source: unknown, keys: unknown, options?: unknown) {
      logOf("remove", source).remove(keys, options);
    },
    async ask(features: unknown, keys: unknown, options: unknown) {
      const asked = readQuestion("ask", features, keys, options, ASK_OPTIONS);
      const answers = await compute("ask", asked, async (answered) => answered);
      const row = answerRow(asked.selection, answers, 0, asked.metadata);
      return answerOf({ entity: keys, metadata: asked.metadata }, [row], () => formatTime(asked.t));
    },
    async explain(feature: unknown, keys: unknown, options: unknown) {
      const asked = readQuestion("explain", feature, keys, options, EXPLAIN_OPTIONS);
      onlyFeature(asked.selection);
      return compute("explain", asked, () => training.explain(asked, exported));
    },
  };
  return store as unknown as MockStore;
}

/** Refuses answers of which two differ, in the value, the status or the event time. */
function refuseDifference(
  call: string,
  { selection, keys, t, knowledge }: MockAsked,
  answers: Readonly<Record<string, readonly ResultColumns[]>>,
): void {
  selection.forEach((one, f) => {
    const texts = Object.entries(answers).map(([path, columns]) => ({
      path,
      text: answerText(one, columns[f]!),
    }));
    if (texts.every(({ text }) => text === texts[0]!.text)) return;
    const key = Object.entries(keys).map(([name, value]) => `${name} ${String(value)}`);
    throw new TidemarkError(
      "MOCK_PATHS_DIFFER",
      `${call}: ${one.view.name}.${one.feature.name} of ${key.join(", ")} as of ${formatTime(t)} ` +
        `(${knowledge}): ${texts.map(({ path, text }) => `${path} gives ${text}`).join("; ")}. ` +
        "This is a fault of Tidemark: report it with the definitions and the rows",
    );
  });
}

/** Equal for equal answers, to the last bit. */
function answerText({ feature }: SelectedFeature, column: ResultColumns): string {
  const value = column.values[0]!;
  const time = column.times[0]!;
  return [
    Object.is(value, -0) ? "-0" : literalText(value as Value, feature.result),
    column.statuses[0]!,
    ...(Number.isNaN(time) ? [] : [`newest row ${formatTime(time)}`]),
  ].join(", ");
}
