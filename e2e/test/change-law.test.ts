/**
 * Law 11, change: definitions, stores and processes change between the segments of a log. After
 * each step every process is asked on every path. It gives the oracle's answer, or a named refusal
 * whose command leads to it.
 */
import { seedsFromEnvironment } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { checkChanges } from "../src/change-law/change-law.ts";
import { changeKindsOfLaw11 } from "../src/change-law/steps.ts";

const ALL_SEEDS = 160;
const { seeds } = seedsFromEnvironment({ runs: ALL_SEEDS });
/** One of this many seeds goes through SQLite and Delta. */
const REAL_EVERY = 12;
/** How often each kind of change occurs at least. Few seeds may lack a rare kind. */
const LEAST = seeds.length < ALL_SEEDS ? 1 : 100;

test(`law 11 holds over ${seeds.length} seeds`, { timeout: 2_400_000 }, async () => {
  const counts = new Map<string, number>(changeKindsOfLaw11.map((kind) => [kind, 0]));
  const refusals = new Map<string, number>();
  const add = (map: Map<string, number>, name: string): void => {
    map.set(name, (map.get(name) ?? 0) + 1);
  };
  let answers = 0;
  const breaches: string[] = [];
  for (const [i, seed] of seeds.entries())
    breaches.push(
      ...(await checkChanges(seed, {
        real: i % REAL_EVERY === REAL_EVERY - 1,
        onChange: (kind) => {
          add(counts, kind);
        },
        onRefusal: (code) => {
          add(refusals, code);
        },
        onAnswers: (count) => {
          answers += count;
        },
      })),
    );
  const listed = (map: Map<string, number>): string =>
    [...map].map(([name, count]) => `${name} ${count}`).join(", ");
  console.log(
    `law 11: ${seeds.length} seeds, ${answers} answers\n` +
      `changes: ${listed(counts)}\nrefusals: ${listed(refusals)}`,
  );
  expect(breaches.slice(0, 10)).toEqual([]);
  expect([...counts].filter(([, count]) => count < LEAST)).toEqual([]);
});

test("law 11 holds for functions of columns", { timeout: 600_000 }, async () => {
  const some = seeds.slice(0, Math.ceil(seeds.length / 10));
  let answers = 0;
  const breaches: string[] = [];
  for (const seed of some)
    breaches.push(
      ...(await checkChanges(seed, {
        computed: true,
        onAnswers: (count) => {
          answers += count;
        },
      })),
    );
  console.log(`law 11 with functions: ${some.length} seeds, ${answers} answers`);
  expect(breaches.slice(0, 10)).toEqual([]);
});
