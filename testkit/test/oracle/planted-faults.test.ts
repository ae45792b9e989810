import { expect, test } from "vitest";
import { logFaults, withLogFault, type LogFaultName } from "../../src/generate/log-faults.ts";
import { createOracle, sameAnswer, type Oracle } from "../../src/oracle/oracle.ts";
import { oracleFaults, type OracleFault } from "../../src/oracle/planted-faults.ts";
import { generateScenario, oracleOf, type Scenario } from "../../src/generate/scenario.ts";

interface Asked {
  readonly scenario: Scenario;
  readonly oracle: Oracle;
}
const scenarios = { plain: new Map<number, Asked>(), expected: new Map<number, Asked>() };
const of = (seed: number, expected: boolean): Asked => {
  const known = expected ? scenarios.expected : scenarios.plain;
  let found = known.get(seed);
  if (found === undefined) {
    const scenario = generateScenario(seed, { everyAggregation: true, traits: { expected } });
    known.set(seed, (found = { scenario, oracle: oracleOf(scenario) }));
  }
  return found;
};

/** The faults that need sources which expect something of their rows. */
const OF_EXPECTATIONS: readonly OracleFault[] = [
  "expectations forgotten",
  "an unknown expectation is violated",
];

function differ(seed: number, twin: (scenario: Scenario) => Oracle, expected = false): boolean {
  const { scenario, oracle } = of(seed, expected);
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
function firstSeed(twin: (scenario: Scenario) => Oracle, expected = false): number | undefined {
  return Array.from({ length: 400 }, (_, i) => i + 1).find((seed) => differ(seed, twin, expected));
}

test.each(Object.keys(oracleFaults) as OracleFault[])(
  'a twin of the oracle with the fault "%s" is found out',
  (fault) => {
    const twin = (scenario: Scenario): Oracle => oracleOf(scenario, fault);
    expect(firstSeed(twin, OF_EXPECTATIONS.includes(fault))).toBeDefined();
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
