/** Tests how the registry takes renamed features and tables. */
import {
  count,
  featureService,
  featureView,
  int64,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type DefinitionMismatch,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  type MemoryOfflineData,
} from "@tidemark/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { decodeSnapshot } from "../../src/registry/snapshot.ts";
import { payments, user, type Bank } from "./bank.ts";

const open = async (definitions: Bank, data: MemoryOfflineData): Promise<Store> => {
  const store = await openStore({
    definitions,
    offline: memoryOfflineStore(data),
    onDefinitionMismatch: "ignore",
  });
  onTestFinished(() => store.close());
  return store;
};
const lines = async (store: Store): Promise<readonly string[]> =>
  (await store.plan()).changes.map(
    ({ action, kind, name, version, details, destructive }) =>
      `${action} ${kind} ${name} ${version}: ${details.join("; ")}` +
      (destructive === null ? "" : ` DESTRUCTIVE ${destructive}`),
  );

const old = featureView("weekly", {
  entity: user,
  source: payments,
  features: { number: count().over("7d"), total: sum(payments.amount).over("7d") },
});
const renamed = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    number: count().over("7d"),
    spent: sum(payments.amount).over("7d").renamedFrom("total"),
  },
});
const before = { old, fraud: featureService("fraud", [old.total, old.number]) };

test("a feature that keeps its former name is renamed, and nothing is destructive", async () => {
  const data = memoryOfflineData();
  await (await open(before, data)).apply();
  const after = { renamed, fraud: featureService("fraud", [renamed.total, renamed.number]) };
  const store = await open(after, data);
  expect(await lines(store)).toEqual([
    "renamed feature weekly.spent 1: name: weekly.total → weekly.spent",
    "changed service fraud 2: features.total: weekly.total → weekly.spent",
    'changed view weekly 2: formerNames added: {"total":"spent"}',
  ]);
  await store.apply();
  expect(await lines(await open(after, data))).toEqual([]);
  const { objects } = decodeSnapshot(data.registry.get("default")!.at(-1)!, "");
  expect(objects.get("feature weekly.total")!.removed).not.toBeNull();
  expect(objects.get("feature weekly.spent")).toMatchObject({ version: 1, removed: null });

  const mismatches: DefinitionMismatch[] = [];
  await (
    await openStore({
      definitions: before,
      offline: memoryOfflineStore(data),
      onDefinitionMismatch: (one) => mismatches.push(one),
    })
  ).close();
  expect(mismatches[0]!.objects).toContainEqual({
    kind: "feature",
    name: "weekly.total",
    status: "renamed",
  });

  const dropped = featureView("weekly", {
    entity: user,
    source: payments,
    features: { number: count().over("7d"), spent: sum(payments.amount).over("7d") },
  });
  const without = { dropped, fraud: featureService("fraud", [dropped.spent, dropped.number]) };
  expect(await lines(await open(without, data))).toEqual([
    "changed service fraud 3: features.spent added: weekly.spent; " +
      "features.total removed: weekly.spent DESTRUCTIVE callers get no total any more",
    'changed view weekly 3: formerNames removed: {"total":"spent"}',
  ]);
});

test("a renamed feature with another definition is destructive", async () => {
  const data = memoryOfflineData();
  await (await open(before, data)).apply();
  const longer = featureView("weekly", {
    entity: user,
    source: payments,
    features: {
      number: count().over("7d"),
      spent: sum(payments.amount).over("30d").renamedFrom("total"),
    },
  });
  const after = { longer, fraud: featureService("fraud", [longer.total, longer.number]) };
  expect((await lines(await open(after, data)))[0]).toBe(
    "renamed feature weekly.spent 2: name: weekly.total → weekly.spent; window: 7d → 30d " +
      "DESTRUCTIVE its values change",
  );
});

const bankOf = (table: string, renamedFrom?: string | readonly string[]): Bank => {
  const payments = source("payments", {
    table,
    renamedFrom,
    columns: { id: int64(), user_id: string(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
  });
  return {
    daily: featureView("daily", {
      entity: user,
      source: payments,
      features: { n: count().over("1d") },
    }),
  };
};

test("a table that keeps its former names is renamed, and its features stay", async () => {
  const data = memoryOfflineData();
  await (await open(bankOf("public.payments"), data)).apply();
  const renamedTo = async (...table: Parameters<typeof bankOf>): Promise<readonly string[]> => {
    const store = await open(bankOf(...table), data);
    const found = await lines(store);
    if (found.every((line) => !line.includes("DESTRUCTIVE"))) await store.apply();
    return found;
  };
  expect(await renamedTo("public.payments_2024")).toEqual([
    "changed feature daily.n 2: source.table: public.payments → public.payments_2024 " +
      "DESTRUCTIVE its values change",
    "changed source payments 2: table: public.payments → public.payments_2024 " +
      "DESTRUCTIVE its table decides what its rows are",
  ]);
  expect(await renamedTo("public.payments_2024", "public.payments")).toEqual([
    'changed source payments 2: renamedFrom added: ["public.payments"]; ' +
      "table: public.payments → public.payments_2024",
  ]);
  expect(await renamedTo("public.paid", ["public.payments_2024", "public.payments"])).toEqual([
    'changed source payments 3: renamedFrom: ["public.payments"] → ' +
      '["public.payments_2024","public.payments"]; table: public.payments_2024 → public.paid',
  ]);
  expect((await renamedTo("public.paid", "public.payments_2024"))[1]).toContain(
    "DESTRUCTIVE its renamedFrom decides what its rows are",
  );
});

test("a plan says which removal may be a renaming", async () => {
  const data = memoryOfflineData();
  await (await open(before, data)).apply();
  const plain = featureView("weekly", {
    entity: user,
    source: payments,
    features: { number: count().over("7d"), spent: sum(payments.amount).over("7d") },
  });
  const { changes } = await (await open({ plain }, data)).plan();
  expect(changes.find(({ name }) => name === "weekly.total")!.consequences).toEqual([
    'weekly.spent has the same definition: .renamedFrom("total") would keep both names',
  ]);
  const other = memoryOfflineData();
  await (await open(bankOf("public.payments"), other)).apply();
  const moved = await (await open(bankOf("public.paid"), other)).plan();
  expect(moved.changes.find(({ kind }) => kind === "source")!.consequences).toEqual([
    "its rows are those of table public.paid alone; if public.payments was renamed, " +
      'renamedFrom: "public.payments" would keep its rows',
  ]);
});
