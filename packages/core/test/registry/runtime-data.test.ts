import {
  count,
  derivedSource,
  eq,
  featureView,
  hourOf,
  int64,
  lower,
  lt,
  openStore,
  source,
  string,
  timestamp,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { zoneRules } from "../../src/time/zone.ts";
import { user } from "./bank.ts";

const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    vendor: string(),
    time: timestamp({ zone: "Asia/Ho_Chi_Minh" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    at_night: count()
      .where(lt(hourOf(payments.time, "Europe/Zurich"), 6))
      .over("30d"),
    early: count()
      .where(lt(hourOf(payments.time, "UTC"), 6))
      .over("30d"),
    coffees: count()
      .where(eq(lower(payments.vendor), "coffee"))
      .over("30d"),
  },
});
const plain = featureView("plain", {
  entity: user,
  source: payments,
  features: { n: count().over("1d") },
});
const definitions = { user, payments, spending };
const nights = derivedSource("nights", {
  from: payments,
  where: lt(hourOf(payments.time, "Europe/Zurich"), 6),
});
const atNight = featureView("night", {
  entity: user,
  source: nights,
  features: { n: count().over("1d") },
});

type Stored = {
  readonly runtime?: { tzdata: string; zones: Record<string, string>; unicode: string | null };
};
const data = (): ReturnType<typeof memoryOfflineData> => memoryOfflineData();

/** Opens a store, and closes nothing: it is in memory. */
function open(
  offline: ReturnType<typeof memoryOfflineStore>,
  more: Partial<StoreOptions> = {},
): Promise<Store> {
  return openStore({ definitions, offline, ...more });
}

/** Applies the definitions, and then lets another Node have applied them. */
async function appliedByOther(
  change: (runtime: NonNullable<Stored["runtime"]>) => void,
): Promise<ReturnType<typeof memoryOfflineStore>> {
  const offline = memoryOfflineStore(data());
  await (await open(offline)).apply({ by: "ann@build" });
  const registry = offline.registry!;
  const found = (await registry.load({ namespace: "default" }))!;
  const stored = JSON.parse(found.snapshot) as Stored;
  change(stored.runtime!);
  const snapshot = JSON.stringify(stored);
  await registry.save(snapshot, { namespace: "default", expected: found.etag });
  return offline;
}

const olderRules = (runtime: NonNullable<Stored["runtime"]>): void => {
  runtime.tzdata = "2019a";
  runtime.zones["Europe/Zurich"] = "0".repeat(32);
};

test("an apply stores what the definitions use of the runtime", async () => {
  const seen: Stored[] = [];
  await appliedByOther((runtime) => seen.push({ runtime }));
  expect(seen[0]!.runtime).toEqual({
    tzdata: process.versions["tz"],
    zones: {
      "Asia/Ho_Chi_Minh": expect.stringMatching(/^[0-9a-f]{32}$/),
      "Europe/Zurich": expect.stringMatching(/^[0-9a-f]{32}$/),
    },
    unicode: process.versions["unicode"],
  });
});

test("openStore refuses other rules of a zone, and names who uses it", async () => {
  const offline = await appliedByOther(olderRules);
  await expect(open(offline)).rejects.toMatchObject({ code: "TZDATA_DIFFERS" });
  for (const words of [
    'differs from the one that applied version 1 of namespace "default" (ann@build at ',
    "time zone Europe/Zurich has other rules in tzdata ",
    " here than in tzdata 2019a there (feature spending.at_night). ",
    "run tidemark apply with this Node",
  ])
    await expect(open(offline)).rejects.toThrow(words);
  await expect(open(offline, { onDefinitionMismatch: "refuse" })).rejects.toMatchObject({
    code: "TZDATA_DIFFERS",
  });
  await open(offline, { onDefinitionMismatch: "ignore" });
  // A program that uses no such zone opens its store.
  await open(offline, { definitions: { user, payments, plain }, onDefinitionMismatch: () => 0 });
});

test("a zone in the condition of a derived source is refused too", async () => {
  const offline = await appliedByOther(olderRules);
  const derived = { user, payments, atNight };
  await expect(open(offline, { definitions: derived })).rejects.toThrow("(feature night.n)");
});

test("a source that reads times in a zone is refused too", async () => {
  const offline = await appliedByOther((runtime) => {
    runtime.tzdata = "2019a";
    runtime.zones["Asia/Ho_Chi_Minh"] = "0".repeat(32);
  });
  await expect(open(offline)).rejects.toThrow("Asia/Ho_Chi_Minh has other rules");
  await expect(open(offline)).rejects.toThrow("(source payments)");
});

test("another time zone database with the same rules opens", async () => {
  const offline = await appliedByOther((runtime) => {
    runtime.tzdata = "2019a";
  });
  const store = await open(offline, { onDefinitionMismatch: "refuse" });
  expect((await store.plan()).runtime).toEqual([]);
});

test("another Unicode is refused where a feature uses letter case", async () => {
  const offline = await appliedByOther((runtime) => {
    runtime.unicode = "5.0";
  });
  await expect(open(offline)).rejects.toThrow("upper and lower case are those of Unicode ");
  await expect(open(offline)).rejects.toThrow("of Unicode 5.0 there (feature spending.coffees)");
});

test("plan lists the differences, and apply goes over to this runtime", async () => {
  const offline = await appliedByOther(olderRules);
  const store = await open(offline, { onDefinitionMismatch: "ignore" });
  const plan = await store.plan();
  expect(plan.changes).toEqual([]);
  expect(plan.runtime).toEqual([
    {
      zone: "Europe/Zurich",
      applied: "2019a",
      here: process.versions["tz"],
      usedBy: ["feature spending.at_night"],
    },
  ]);
  expect((await store.apply()).version).toBe(2);
  expect((await store.plan()).runtime).toEqual([]);
  // Nothing is left to do, and nothing is written.
  expect((await store.apply()).version).toBe(2);
  await open(offline, { onDefinitionMismatch: "refuse" });
});

test("a registry that holds no data of a runtime is compared with none", async () => {
  const offline = memoryOfflineStore(data());
  const others = { user, payments: plainSource };
  await (await open(offline, { definitions: others })).apply();
  const found = await offline.registry!.load({ namespace: "default" });
  expect(JSON.parse(found!.snapshot)).not.toHaveProperty("runtime");
});
const plainSource = source("payments", {
  table: "public.payments",
  columns: { id: int64(), user_id: string(), time: timestamp({ zone: "UTC" }) },
  primaryKey: ["id"],
  eventTime: "time",
});

test("the rules of a zone are its offsets and when they begin", () => {
  expect(zoneRules("UTC")).toBe("0 0");
  expect(zoneRules("Asia/Ho_Chi_Minh")).toBe("0 28800\n171820800 25200");
  const zurich = zoneRules("Europe/Zurich").split("\n");
  expect(zurich.slice(0, 3)).toEqual(["0 3600", "354675600 7200", "370400400 3600"]);
  // 29 March 2026, 01:00 UTC.
  expect(zurich).toContain(`${Date.UTC(2026, 2, 29, 1) / 1000} 7200`);
});
