/** Drift distances equal SciPy's, and a PSI written in NumPy, on the same data. */
import { execFileSync } from "node:child_process";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { pythonReaders } from "@tidemark/testkit/needs";
import { suiteNeeding } from "@tidemark/testkit/suite-needing";
import { expect, test } from "vitest";
import { columnDrift } from "../../src/drift/compare.ts";
import { ColumnState } from "../../src/profile/column-state.ts";
import { measuredColumn } from "../../src/profile/measured-column.ts";

const python = pythonReaders();
const { seeds } = seedsFromEnvironment({ runs: 60, least: 20 });

const SCRIPT = `
import json, sys
import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

def measures(case):
    c, r = np.array(case["current"]), np.array(case["reference"])
    if case["categories"]:
        kinds = sorted(set(r))
        bins = lambda x: np.array([(x == k).sum() for k in kinds] + [(~np.isin(x, kinds)).sum()])
    else:
        edges = np.unique(np.quantile(r, np.arange(1, 10) / 10))
        bins = lambda x: np.histogram(x, np.concatenate([[-np.inf], edges, [np.inf]]))[0]
    p, q = bins(c) / len(c), bins(r) / len(r)
    used = (p > 0) | (q > 0)
    pf, qf = np.maximum(p[used], 1e-4), np.maximum(q[used], 1e-4)
    pf = np.where(p[used] == 0, 1e-4, p[used])
    qf = np.where(q[used] == 0, 1e-4, q[used])
    return {
        "psi": float(np.sum((pf - qf) * np.log(pf / qf))),
        "jensenShannon": float(jensenshannon(p, q)),
        "ks": None if case["categories"] else float(ks_2samp(c, r).statistic),
        "wasserstein": None if case["categories"] else float(wasserstein_distance(c, r)),
    }

print(json.dumps([measures(case) for case in json.load(sys.stdin)]))
`;

interface Case {
  readonly categories: boolean;
  readonly current: readonly (number | string)[];
  readonly reference: readonly (number | string)[];
}

function caseOf(seed: number): Case {
  const random = new Random(seed);
  const categories = seed % 4 === 0;
  const size = random.pick([30, 500, 5000]);
  const shift = random.pick([0, 0, 0.1, 5]);
  const spread = random.pick([1, 1, 3]);
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.fraction();
    return sum;
  };
  const kinds = ["Food", "Sport", "Travel", "日本", "Rare"];
  const side = (by: number, wide: number, count: number): (number | string)[] =>
    Array.from({ length: count }, () => {
      if (categories) return kinds[Math.min(random.int(5 - (by > 1 ? 1 : 0)), random.int(5))]!;
      const value = normal() * wide + by;
      // some values occur more than once
      return random.chance(0.2) ? Math.round(value) : value;
    });
  return {
    categories,
    current: side(shift, spread, size),
    reference: side(0, 1, random.pick([size, 400])),
  };
}

suiteNeeding(python, "distances of generated data", () => {
  test("equal those of SciPy and NumPy to 1e-12", () => {
    const cases = seeds.map(caseOf);
    const expected = JSON.parse(
      execFileSync(python.path, ["-c", SCRIPT], {
        input: JSON.stringify(cases),
        encoding: "utf8",
        maxBuffer: 2 ** 28,
      }),
    ) as Record<"psi" | "ks" | "jensenShannon" | "wasserstein", number | null>[];
    let compared = 0;
    cases.forEach(({ categories, current, reference }, i) => {
      const measured = measuredColumn(
        { name: "x", database: "x", type: categories ? "string" : "float64", nullable: true },
        false,
      );
      const [now, before] = [current, reference].map((values) => {
        const state = new ColumnState(measured, 1_000_000);
        for (const value of values) state.add(value);
        return state;
      }) as [ColumnState, ColumnState];
      const found = columnDrift(now, before, {});
      expect(found.isExact).toBe(true);
      for (const measure of ["psi", "ks", "jensenShannon", "wasserstein"] as const) {
        const [a, b] = [found[measure], expected[i]![measure]];
        if (b === null) {
          expect(a).toBeNull();
          continue;
        }
        compared++;
        // jensenshannon of equal shares is the root of a rounding error
        const allowed = measure === "jensenShannon" && b < 1e-7 ? 1e-7 : 1e-12 * Math.max(1, b);
        expect(Math.abs(a! - b), `seed ${seeds[i]}, ${measure}: ${a} and ${b}`).toBeLessThanOrEqual(
          allowed,
        );
      }
    });
    expect(compared).toBeGreaterThan(seeds.length * 2);
  });
});
