import { expect, test } from "vitest";
import { logFaults, withLogFault, type LogFaultName } from "../../src/generate/log-faults.ts";
import { createOracle, sameAnswer, type Oracle } from "../../src/oracle/oracle.ts";
import { oracleFaults, type OracleFault } from "../../src/oracle/planted-faults.ts";
import { generateScenario, oracleOf, type Scenario } from "../../src/generate/scenario.ts";

const scenarios = new Map<number, { readonly scenario: Scenario; readonly oracle: Oracle }>();
const of = (seed: number): { readonly scenario: Scenario; readonly oracle: Oracle } => {
  const scenario =
    scenarios.get(seed)?.scenario ?? generateScenario(seed, { everyAggregation: true });
  const found = scenarios.get(seed) ?? { scenario, oracle: oracleOf(scenario) };
  scenarios.set(seed, found);
  return found;
};

function differ(seed: number, twin: (scenario: Scenario) => Oracle): boolean {
  const { scenario, oracle } = of(seed);
  const other = twin(scenario);
  return (["corrected", "known"] as const).some((mode) =>
    scenario.requests.some((request) => {
      const answers = oracle.answer(scenario.selected, request, mode);
      return other
        .answer(scenario.selected, request, mode)
        .some((answer, i) => !sameAnswer(answer, answers[i]!));
    }),
  );
}

/** Returns the first of 400 seeds that tells the twin from the oracle. */
function firstSeed(twin: (scenario: Scenario) => Oracle): number | undefined {
  return Array.from({ length: 400 }, (_, i) => i + 1).find((seed) => differ(seed, twin));
}

test.each(Object.keys(oracleFaults) as OracleFault[])(
  'a twin of the oracle with the fault "%s" is found out',
  (fault) => {
    expect(firstSeed((scenario) => oracleOf(scenario, fault))).toBeDefined();
  },
);

test.each(Object.keys(logFaults) as LogFaultName[])(
  'a reader with the fault "%s" is found out',
  (fault) => {
    expect(
      firstSeed((scenario) =>
        createOracle({
          sources: scenario.sources,
          changes: withLogFault(fault, scenario.sources, scenario.truth),
        }),
      ),
    ).toBeDefined();
  },
);

test("a twin without a fault is the oracle", () => {
  expect(
    Array.from({ length: 20 }, (_, i) => i + 1).filter((seed) =>
      differ(seed, (scenario) => oracleOf(scenario)),
    ),
  ).toEqual([]);
});
