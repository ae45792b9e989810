/** A bank that is small enough for tests on real services, and the expected results on any date. */
import { expect } from "vitest";
import type { RealBank, RealDemoResult } from "../src/real.ts";

export const SMALL: RealBank = {
  seed: 7,
  users: 40,
  transactionsPerDay: 150,
  invalidEvery: 100,
  days: 5,
  live: 2,
};

export function expectAgreement({ rows, compared, differing }: RealDemoResult, text: string): void {
  expect(differing, text).toBe(0);
  expect(rows).toBeGreaterThan(600);
  // each of them was really compared
  expect(compared.served).toBe(3 * SMALL.users * 18);
  expect(compared.history).toBe(20 * (SMALL.users * 20 + 3 * 2));
  expect(compared.rows).toBeGreaterThan(2 * 5 * (rows - SMALL.users));
  expect(compared.weekly).toBeGreaterThan(2 * 7 * 10 * SMALL.users);
  // seven weekly features and nine others, of the same users at the same times
  expect(compared.sql).toBe((compared.weekly / 7) * 9);
  expect(compared.trino).toBe(7);
  expect(compared.trinoSql).toBeGreaterThan(2 * 9 * SMALL.users);
  // two features of three vendors at 10 moments, from two stores
  expect(compared.vendors).toBe(2 * 3 * 2 * 10);
  for (const said of ["differ from the training set as known", "ms after its commit", "100 %"])
    expect(text).toContain(said);
  expect(text).toMatch(/transactions: [1-9]\d* changes were quarantined/);
}
