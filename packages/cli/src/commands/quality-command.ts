/** `tidemark quality`: checks the expectations of the definitions over the history. */
import { toJson, type ExpectationResult, type QualityReport } from "@tidemark/core";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark quality [--name NAME] [--as-of TIME] [options]

Checks what the definitions expect of rows and of features: quality(...), and expect of
sources. Each expectation is measured over the history, as it was known at a time. A row
that was replaced or deleted by then does not count. The results are added to the table
quality/results of the history.

  --name NAME           a quality, or a source with expectations; may be repeated;
                        default: all
  --as-of TIME          the time of the check, as in 2026-03-01T00:00:00Z; default: now
  --publish             keep the result in the online store, for the metrics of servers
`;

export const qualityCommand: ReturnType<typeof configCommand> = configCommand({
  name: "quality",
  help,
  exitCodes: {
    0: 'everything holds, or only expectations of severity "warning" do not',
    1: "failed",
    3: 'an expectation of severity "error" does not hold',
    130: "interrupted",
  },
  options: { name: "texts", "as-of": "text", publish: "flag" },
  interrupted: "no result was kept",
  async run({ given, open, signal, printResult }) {
    const { store } = await open({ offline: true, online: given.has("publish") });
    const report = await store.quality({
      ...(given.has("name") ? { names: given.texts("name") } : {}),
      asOf: given.text("as-of"),
      signal,
    });
    printResult(toJson(report) as Readonly<Record<string, unknown>>, reportLines(report));
    return report.failed.error > 0 ? 3 : 0;
  },
});

function reportLines({ asOf, failed, results }: QualityReport): string[] {
  const { error, warning } = failed;
  const bad =
    error + warning === 0
      ? "all hold"
      : `${error + warning} of them ${error + warning === 1 ? "does" : "do"} not hold: ` +
        `${error} of severity error, ${warning} of severity warning`;
  const checked = `${results.length} ${results.length === 1 ? "expectation" : "expectations"}`;
  return [...results.flatMap(resultLines), `${checked} as of ${asOf}; ${bad}`];
}

function resultLines(result: ExpectationResult): string[] {
  const { quality, expectation, on, severity, expected, holds, examples } = result;
  const sign = holds ? "ok" : severity;
  return [
    `${sign.padEnd(7)} ${quality}.${expectation}, ${on}: ${expected}; ${foundText(result)}`,
    ...examples.map(
      (key) =>
        `          such as ${Object.entries(key)
          .map(([name, value]) => `${name} ${String(value)}`)
          .join(", ")}`,
    ),
  ];
}

/** What was measured. A share is that of the rows in which the condition is known. */
function foundText({ kind, measured, reference, rows, failing }: ExpectationResult): string {
  const counted = `${rows} looked at`;
  if (measured === null) return "there was nothing to look at";
  switch (kind) {
    case "holds":
      return failing === 0 ? counted : `${failing} of ${rows} are against it, share ${measured}`;
    case "unique":
      return failing === 0 ? counted : `${failing} of ${rows} repeat another`;
    case "fresh":
      return `the newest is ${measured} s old`;
    case "volume":
      return `there are ${rows}${reference === null ? "" : `, and ${reference} before`}`;
  }
}
