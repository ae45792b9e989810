import { expect, test } from "vitest";
import {
  changeKinds,
  Coverage,
  labelsOf,
  nullKinds,
  windowEdges,
} from "../../src/oracle/coverage.ts";
import { requestLine } from "../../src/generate/requests.ts";
import {
  oracleOf,
  generateScenario,
  otherDelivery,
  type Scenario,
} from "../../src/generate/scenario.ts";
import { Random } from "../../src/generate/random.ts";
import { seedsFromEnvironment } from "../../src/generate/seeds.ts";
import { sameBits, textOfAll } from "../../src/oracle/values.ts";
import { createOracle } from "../../src/oracle/oracle.ts";

const run = seedsFromEnvironment({ runs: 40, least: 40 });

const printed = (scenario: Scenario): string =>
  JSON.stringify(scenario, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : value,
  );

test("one seed is one scenario, down to the byte", () => {
  for (const seed of run.seeds.slice(0, 5))
    expect(printed(generateScenario(seed))).toBe(printed(generateScenario(seed)));
  expect(printed(generateScenario(1))).not.toBe(printed(generateScenario(2)));
  expect(printed(generateScenario(1))).not.toBe(printed(generateScenario(1 + 2 ** 32)));
});

test("random numbers keep their range, and all of it comes", () => {
  const random = new Random(7);
  expect(new Set(Array.from({ length: 1000 }, () => random.between(-2, 2)))).toEqual(
    new Set([-2, -1, 0, 1, 2]),
  );
  expect(Array.from({ length: 1000 }, () => random.fraction()).every((x) => x >= 0 && x < 1)).toBe(
    true,
  );
  expect(random.shuffled([1, 2, 3]).toSorted()).toEqual([1, 2, 3]);
});

test("offsets rise within each partition, and every other delivery keeps that", () => {
  for (const seed of run.seeds) {
    const scenario = generateScenario(seed);
    for (const order of [
      scenario.truth.map((_, i) => i),
      otherDelivery(scenario, new Random(seed)).flat(),
    ]) {
      expect(order.toSorted((a, b) => a - b)).toEqual(scenario.truth.map((_, i) => i));
      const last = new Map<string, number>();
      for (const i of order) {
        const { topic, partition, offset } = scenario.truth[i]!;
        expect(offset).toBeGreaterThan(last.get(`${topic}:${partition}`) ?? -1);
        last.set(`${topic}:${partition}`, offset);
      }
    }
  }
});

test("a line says what its truth says", () => {
  for (const seed of run.seeds) {
    const scenario = generateScenario(seed);
    scenario.lines.forEach((line, i) => {
      const change = scenario.truth[i]!;
      const message = JSON.parse(line) as Record<string, string | number | null>;
      expect([
        message["topic"],
        message["partition"],
        message["offset"],
        message["timestamp"],
      ]).toEqual([change.topic, change.partition, String(change.offset), String(change.timestamp)]);
      if (message["value"] === null) {
        expect(change.kind).toBe("none");
        return;
      }
      const parsed = JSON.parse(message["value"] as string) as {
        payload?: Record<string, never>;
        schema?: unknown;
      } & Record<string, never>;
      const payload = parsed.payload ?? parsed;
      expect(scenario.traits.shape === "enveloped").toBe(parsed.schema !== undefined);
      const unwrapped = scenario.traits.shape === "unwrapped";
      const op: string = unwrapped ? payload["__op"]! : payload["op"]!;
      expect({ c: "upsert", u: "upsert", r: "upsert", d: "delete", t: "truncate" }[op]).toBe(
        change.kind,
      );
      if (change.order !== null && (!change.snapshot || unwrapped))
        expect(line).toContain(`lsn\\":${change.order}`);
      const row = (
        unwrapped ? payload : change.kind === "delete" ? payload["before"] : payload["after"]
      ) as Record<string, unknown> | null;
      if (change.values === null || change.undecodable !== null) return;
      scenario.sources
        .find((source) => source.name === change.source)!
        .columns.forEach((column, c) => {
          const value = change.values![c]!;
          if (value === null || change.unavailable.includes(c)) return;
          if (["string", "json", "boolean", "int32", "float64", "date"].includes(column.type))
            expect(Object.is(row![column.database], value)).toBe(true);
          if (column.type === "int64") expect(line).toContain(String(value));
        });
    });
  }
});

test("a request is a line for replay, exact in its keys and its microseconds", () => {
  expect(requestLine({ keys: { account_id: 9007199254740993n, region: '"x"' }, time: -1 })).toBe(
    '{"account_id":9007199254740993,"region":"\\"x\\"",' +
      '"event_timestamp":"1969-12-31T23:59:59.999999Z"}',
  );
});

test("the order of delivery does not matter to the oracle", () => {
  for (const seed of run.seeds) {
    const scenario = generateScenario(seed);
    const shuffled = otherDelivery(scenario, new Random(seed + 1))
      .flat()
      .map((i) => scenario.truth[i]!);
    const [oracle, other] = [
      oracleOf(scenario),
      createOracle({ sources: scenario.sources, changes: shuffled }),
    ];
    for (const mode of ["corrected", "known"] as const) {
      for (const request of scenario.requests)
        expect(other.answer(scenario.selected, request, mode)).toEqual(
          oracle.answer(scenario.selected, request, mode),
        );
    }
  }
});

test("as known at t is as corrected over the changes committed before t", () => {
  let compared = 0;
  for (const seed of run.seeds) {
    const scenario = generateScenario(seed, { traits: { clockGoesBack: false } });
    const oracle = oracleOf(scenario);
    for (const request of scenario.requests) {
      const then = createOracle({
        sources: scenario.sources,
        changes: scenario.truth.filter((change) => (change.committed ?? -Infinity) < request.time),
      });
      // `since` lets a snapshot row hold from before the snapshot's commit. There a store that was
      // fed less knows less.
      const selected = scenario.selected.filter(
        ({
          view: {
            source: { eventTime },
          },
        }) => eventTime.kind === "column" || eventTime.since === null,
      );
      const known = oracle.answer(selected, request, "known");
      then.answer(selected, request, "corrected").forEach((answer, i) => {
        expect({ seed, request, i, ...answer }).toEqual({ seed, request, i, ...known[i]! });
        expect(sameBits(answer.value, known[i]!.value)).toBe(true);
        compared += 1;
      });
    }
  }
  expect(compared).toBeGreaterThan(run.runs * 100);
});

test("no scenario looks restored: a lower LSN never has a later commit time", () => {
  for (const seed of run.seeds) {
    const scenario = generateScenario(seed);
    const stored = new Map<string, { lsn: bigint; committed: number }>();
    for (const change of scenario.truth) {
      if (change.order === null || change.committed === null) continue;
      const source = scenario.sources.find((one) => one.name === change.source)!;
      const key =
        change.values === null
          ? null
          : source.primaryKey.map(
              (name) =>
                change.values![source.columns.findIndex((column) => column.name === name)] ?? null,
            );
      const rows = [
        `${change.source} table`,
        ...[key, change.oldKey].flatMap((one) =>
          one === null ? [] : [`${change.source} ${textOfAll(one)}`],
        ),
      ];
      for (const row of change.kind === "truncate" ? rows : rows.slice(1)) {
        const before = stored.get(row);
        const lsn = change.committedAfter ?? change.order;
        if (before !== undefined && lsn < before.lsn)
          expect(change.committed).toBeLessThanOrEqual(before.committed);
        else stored.set(row, { lsn, committed: change.committed });
      }
    }
  }
});

const comparisons = run.runs * 2500;
/** How often each kind occurs at least. Few seeds may lack a rare kind. */
const least = run.runs < 40 ? 0 : comparisons / 100;

test(`${comparisons} comparisons meet each change, window edge and null 1 in 100 times`, () => {
  const coverage = new Coverage();
  const { first } = run;
  let seeds = 0;
  for (; coverage.comparisons < comparisons || seeds < run.runs * 6; seeds++) {
    const scenario = generateScenario(first + seeds);
    const labels = labelsOf(scenario, oracleOf(scenario));
    for (const mode of ["corrected", "known"] as const) {
      for (const request of scenario.requests) {
        const label = labels(request, mode);
        for (const selected of scenario.selected) coverage.add(label(selected));
      }
    }
  }
  console.log(`${run.text}: ${seeds} seeds\n${coverage.toText()}`);
  expect(coverage.below([...changeKinds, ...windowEdges, ...nullKinds], least)).toEqual([]);
});
