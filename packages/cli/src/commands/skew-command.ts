/** `tidemark skew`: computes logged answers again, and counts the bits that differ. */
import {
  toJson,
  type FeatureSkew,
  type SkewCount,
  type SkewExample,
  type SkewReport,
} from "@tidemark/core";
import { configCommand } from "./config-command.ts";
import { usage } from "../terminal/options.ts";

const help = `Usage: tidemark skew [--from TIME] [--to TIME] [--feature VIEW:FEATURE] [options]

Computes the answers of the serving log again, from the history as it was known when
each was answered, and counts the bits that differ, by feature. The target is 0. What is
explained is told apart: changes that came late, or were committed after the request,
and entities that were erased since. Nothing is changed.

  --from TIME           answers from this time on, as in 2026-03-01T00:00:00Z;
                        default: one day before --to
  --to TIME             answers before this time; default: now
  --feature NAME        a feature, as view:feature; may be repeated; default: all
  --service NAME        a feature service; may be repeated; default: every request
  --examples COUNT      the most examples of each feature and kind; default: 5
`;

export const skewCommand: ReturnType<typeof configCommand> = configCommand({
  name: "skew",
  help,
  exitCodes: {
    0: "no value is wrong",
    1: "failed",
    3: "values are wrong: nothing explains that they differ",
    130: "interrupted",
  },
  options: { from: "text", to: "text", feature: "texts", service: "texts", examples: "text" },
  interrupted: "nothing was changed",
  async run({ given, open, signal, progress, printResult }) {
    const examples = countOf(given.text("examples"));
    const { store } = await open({ offline: true });
    const report = await store.skew({
      from: given.text("from"),
      to: given.text("to"),
      ...(given.has("feature") ? { features: given.texts("feature") } : {}),
      ...(given.has("service") ? { services: given.texts("service") } : {}),
      examples,
      signal,
      onProgress: (rows) => progress.update(`${rows} answers computed again`),
    });
    printResult(toJson(report) as Readonly<Record<string, unknown>>, reportLines(report));
    return report.wrong.values > 0 ? 3 : 0;
  },
});

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text);
  throw usage(`--examples ${text}: write a whole number from 0 to 1000`);
}

function reportLines(report: SkewReport): string[] {
  const { from, to, answers, compared, wrong, features, examples } = report;
  const told = features.filter((one) => noteOf(one) !== "");
  const width = Math.max(0, ...told.map(({ feature }) => feature.length));
  return [
    ...told.map((one) => `${one.feature.padEnd(width)}  ${noteOf(one)}`),
    ...examples.flatMap(exampleLines),
    `${answers} answers from ${from} to ${to}: ${compared} values computed again, ` +
      `${countText(wrong)} wrong${othersText(report)}`,
  ];
}

const countText = ({ values, bits }: SkewCount): string =>
  `${values} ${values === 1 ? "value" : "values"} (${bits} bits)`;

function othersText(report: SkewReport): string {
  const note = noteOf({ ...report, wrong: { values: 0, bits: 0 }, latestBy: null });
  return note === "" ? "" : `; apart from that: ${note}`;
}

type Counts = Omit<FeatureSkew, "feature" | "compared">;

/** What is to tell of counts; empty: nothing. */
function noteOf(counts: Counts): string {
  const { wrong, late, early, behind, erased, latestBy } = counts;
  const { otherDefinition, notInHistory, unanswered } = counts;
  const parts: readonly (readonly [number, string])[] = [
    [wrong.values, `${countText(wrong)} wrong`],
    [late.values, `${countText(late)} late${latestBy === null ? "" : `, by up to ${latestBy} s`}`],
    [early.values, `${countText(early)} with a change committed after the request`],
    [behind.values, `${countText(behind)} while changes had not arrived`],
    [erased.values, `${countText(erased)} differ since an entity was erased`],
    [otherDefinition, `${otherDefinition} of another definition`],
    [notInHistory, `${notInHistory} that the history has not reached`],
    [unanswered, `${unanswered} not answered`],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([, text]) => text)
    .join(", ");
}

function exampleLines(example: SkewExample): string[] {
  const { kind, feature, entity, asOf, logged, recomputed, bits, requestId, explain } = example;
  const key = Object.entries(entity)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  return [
    `${kind}: ${feature} of ${key} at ${asOf}` +
      (requestId === null ? "" : `, request ${requestId}`),
    `  served ${logged.value} (${logged.status}), computed ${recomputed.value} ` +
      `(${recomputed.status}); ${bits} bits`,
    `  ${explain}`,
  ];
}
