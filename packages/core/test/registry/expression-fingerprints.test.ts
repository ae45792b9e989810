/** Fingerprints of features whose arguments are functions of columns. */
import {
  add,
  and,
  collectDefinitions,
  count,
  eq,
  featureView,
  gt,
  hourOf,
  mul,
  or,
  round,
  sum,
} from "@tidemark/core";
import { expect, test } from "vitest";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { transactions as t, user } from "../define/support/bank.ts";

type Feature = Parameters<typeof featureView>[1]["features"][string];

function fingerprintOf(feature: unknown): string {
  const view = featureView("v", {
    entity: user,
    source: t,
    features: { f: feature as Feature },
  } as never);
  return definedObjects(collectDefinitions({ view })).get("feature v.f")!.fingerprint;
}

test("equal functions have equal fingerprints, and others have others", () => {
  const features = [
    sum(t.cents).over("1d"),
    sum(mul(t.cents, 2)).over("1d"),
    sum(mul(t.cents, 2n)).over("1d"),
    sum(mul(t.cents, 3)).over("1d"),
    sum(mul(t.cents, 0.5)).over("1d"),
    sum(add(t.cents, 2)).over("1d"),
    sum(mul(t.points, 2)).over("1d"),
    sum(round(t.fee, 0)).over("1d"),
    sum(round(t.fee, 1)).over("1d"),
    count()
      .where(gt(hourOf(t.time, "UTC"), 22))
      .over("1d"),
    count()
      .where(gt(hourOf(t.time, "Europe/Zurich"), 22))
      .over("1d"),
    count().where(gt(t.points, t.cents)).over("1d"),
    count().where(gt(t.cents, t.points)).over("1d"),
  ];
  const prints = features.map(fingerprintOf);
  // A bigint is the same int64 as a number.
  expect(prints[2]).toBe(prints[1]);
  expect(new Set(prints).size).toBe(features.length - 1);
  expect(fingerprintOf(sum(mul(t.cents, 2)).over("1d"))).toBe(prints[1]);
});

test("the order of conditions, and their repetition, change no fingerprint", () => {
  const [a, b] = [eq(t.vendor, "a"), gt(add(t.cents, t.points), 5)];
  const of = (condition: unknown): string =>
    fingerprintOf(
      count()
        .where(condition as typeof a)
        .over("1d"),
    );
  expect(of(and(a, b))).toBe(of(and(b, a, b)));
  expect(of(or(a, b))).not.toBe(of(and(a, b)));
});
