/**
 * Finds the prefixes of the log that an answer may belong to. Each source of a store that is being
 * written is at one prefix, and never goes back.
 */
import type { ResultColumns } from "@tidemark/core/spi";
import { oracleOf, type Scenario } from "@tidemark/testkit";

type Mode = "corrected" | "known";

interface SourcePrefixes {
  readonly source: string;
  /** Indexes of the source's features among the selected ones. */
  readonly featureIndexes: readonly number[];
  /**
   * By mode and request: the answers' text → the lengths of the prefixes that give it, ascending.
   */
  readonly byAnswer: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
}

export interface Prefixes {
  /**
   * Takes the answers of one read, where `rows[i]` answers request `requests[i]`. Throws if no
   * prefix gives them all, or only one behind what `path` has shown.
   */
  check(
    path: string,
    mode: Mode,
    requests: readonly number[],
    answers: readonly ResultColumns[],
  ): void;
  /** Returns how many different prefixes were seen, by path. */
  seen(): ReadonlyMap<string, number>;
  /** Throws if a path may not have shown the whole log at the end. */
  checkAllSeen(): void;
}

export function prefixesOf(scenario: Scenario): Prefixes {
  const sources = scenario.sources.map(({ name }) => prefixesOfSource(scenario, name));
  const whole = new Map(
    scenario.sources.map(({ name }) => [
      name,
      scenario.truth.filter((change) => change.source === name).length,
    ]),
  );
  /**
   * The least and the greatest prefix that all reads so far allow for the last read, by path and
   * source.
   */
  const ranges = new Map<
    string,
    { readonly source: string; least: number; most: number; readonly seen: Set<number> }
  >();

  return {
    check(path, mode, requests, answers) {
      for (const { source, featureIndexes, byAnswer } of sources) {
        if (featureIndexes.length === 0) continue;
        let common: readonly number[] | null = null;
        requests.forEach((request, i) => {
          const given =
            byAnswer.get(`${mode} ${request}`)!.get(
              textOf(
                featureIndexes.map((place) => answers[place]!),
                i,
              ),
            ) ?? [];
          common = common === null ? given : common.filter((prefix) => given.includes(prefix));
        });
        const allowed: readonly number[] = common ?? [];
        const text = requests
          .map(
            (request, i) =>
              `request ${request}: ${textOf(
                featureIndexes.map((place) => answers[place]!),
                i,
              )}`,
          )
          .join("\n");
        if (allowed.length === 0)
          throw new Error(
            `seed ${scenario.seed}, ${path}, ${source}: no prefix of the log gives\n${text}`,
          );
        const shown = ranges.get(`${path} ${source}`) ?? {
          source,
          least: 0,
          most: 0,
          seen: new Set<number>(),
        };
        const least = allowed.find((prefix) => prefix >= shown.least);
        if (least === undefined)
          throw new Error(
            `seed ${scenario.seed}, ${path}, ${source}: showed message ${shown.least} before, ` +
              `and now no more than ${allowed.at(-1)}\n${text}`,
          );
        shown.least = least;
        shown.most = allowed.at(-1)!;
        shown.seen.add(least);
        ranges.set(`${path} ${source}`, shown);
      }
    },
    seen: () => new Map([...ranges].map(([name, { seen }]) => [name, seen.size])),
    checkAllSeen() {
      for (const [name, { source, most }] of ranges)
        if (most !== whole.get(source))
          throw new Error(
            `seed ${scenario.seed}, ${name}: ` +
              `showed ${most} of ${whole.get(source)} messages at the end`,
          );
    },
  };
}

function prefixesOfSource(scenario: Scenario, source: string): SourcePrefixes {
  const own = scenario.truth.filter((change) => change.source === source);
  const featureIndexes = scenario.selected.flatMap(({ view }, featureIndex) =>
    view.source.name === source ? [featureIndex] : [],
  );
  const selected = featureIndexes.map((featureIndex) => scenario.selected[featureIndex]!);
  const byAnswer = new Map<string, Map<string, number[]>>();
  for (let length = 0; length <= own.length; length++) {
    const oracle = oracleOf({ ...scenario, truth: own.slice(0, length) });
    for (const mode of ["corrected", "known"] as const) {
      scenario.requests.forEach((request, row) => {
        const text = oracle
          .answer(selected, request, mode)
          .map(({ value, status, eventTime }) => answerText(value, status, eventTime))
          .join(" · ");
        const texts = byAnswer.get(`${mode} ${row}`) ?? new Map<string, number[]>();
        texts.set(text, [...(texts.get(text) ?? []), length]);
        byAnswer.set(`${mode} ${row}`, texts);
      });
    }
  }
  return { source, featureIndexes, byAnswer };
}

function textOf(answers: readonly ResultColumns[], row: number): string {
  return answers
    .map(({ values, statuses, times }) =>
      answerText(values[row]!, statuses[row]!, Number.isNaN(times[row]!) ? null : times[row]!),
    )
    .join(" · ");
}

function answerText(
  value: ResultColumns["values"][number],
  status: string,
  eventTime: number | null,
): string {
  const text =
    value instanceof Uint8Array
      ? Buffer.from(value).toString("hex")
      : typeof value === "string"
        ? JSON.stringify(value)
        : Object.is(value, -0)
          ? "-0"
          : String(value);
  return `${text} ${status} @${eventTime}`;
}
