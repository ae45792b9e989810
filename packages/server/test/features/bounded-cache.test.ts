/** The caches of requests are bounded by bytes, whatever the requests are. */
import { collectDefinitions } from "@tidemark/core";
import { expect, test } from "vitest";
import { featureNames } from "../../src/api/requested-features.ts";
import { boundedCache } from "../../src/features/bounded-cache.ts";
import { featureResolver } from "../../src/features/feature-resolver.ts";
import { definitions } from "../support/shop-server.ts";

test("a cache stays within its bytes, and the entry that was used last stays longest", () => {
  const cache = boundedCache<number>(100_000);
  for (let i = 0; i < 1000; i++) {
    cache.set(`k${i}`, i, 1000);
    expect(cache.get("k0")).toBe(0);
    expect(cache.bytes).toBeLessThanOrEqual(100_000);
  }
  expect(cache.get("k1")).toBeUndefined();
  expect(cache.get("k999")).toBe(999);
});

test("a set entry replaces the one before, and an entry that is too large is not cached", () => {
  const cache = boundedCache<number>(100_000);
  for (let i = 0; i < 1000; i++) cache.set("k", i, 5000);
  expect([cache.get("k"), cache.bytes < 6000]).toEqual([999, true]);
  cache.set("k".repeat(10_000), 1, 0);
  expect(cache.get("k".repeat(10_000))).toBeUndefined();
});

test("a request with very long other names is answered, and not kept", () => {
  const found = collectDefinitions(definitions);
  const names = featureNames(found, featureResolver(found));
  const [short, long] = [["weekly"], [`weekly:payments_l1w as ${"x".repeat(2_000_000)}`]];
  expect(names.list(long).count).toBe(1);
  expect(names.list(long)).not.toBe(names.list(long));
  expect(names.list(short)).toBe(names.list(short));
});
