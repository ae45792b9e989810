/** Tests how the registry takes transforms: their versions, and code that changes. */
import { div, float64, openStore, string, transform, type Store } from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  type MemoryOfflineData,
} from "@tidemark/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { decodeSnapshot } from "../../src/registry/snapshot.ts";
import { weekly, type Bank } from "./bank.ts";

const open = async (definitions: Bank, data: MemoryOfflineData): Promise<Store> => {
  const store = await openStore({
    definitions,
    offline: memoryOfflineStore(data),
    onDefinitionMismatch: "refuse",
  }).catch(() =>
    openStore({ definitions, offline: memoryOfflineStore(data), onDefinitionMismatch: "ignore" }),
  );
  onTestFinished(() => store.close());
  return store;
};

type Compute = (inputs: { readonly mean: number | null }) => { risk: number };
const double: Compute = ({ mean }) => ({ risk: (mean ?? 0) * 2 });
const triple: Compute = ({ mean }) => ({ risk: (mean ?? 0) * 3 });
const withScore = (version: number, compute: Compute) => ({
  weekly,
  score: transform("score", {
    version,
    inputs: { mean: div(weekly.total, weekly.number) },
    outputs: { risk: float64() },
    compute,
  }),
});

test("the registry keeps version, inputs, outputs and a hash of the code", async () => {
  const data = memoryOfflineData();
  const store = await open(withScore(1, double), data);
  await store.apply({ by: "ann" });
  const found = await memoryOfflineStore(data).registry!.load({ namespace: "default" });
  const { objects } = decodeSnapshot(found!.snapshot, "test");
  expect(objects.get("view score")).toMatchObject({
    normalized: {
      kind: "transform",
      version: 1,
      reads: ["weekly.number", "weekly.total"],
      inputs: { mean: { type: "float64", nullable: true } },
      outputs: { risk: { type: "float64", nullable: false } },
    },
    code: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect((await store.plan()).changes).toEqual([]);
});

test("another version is a change of values, and plan says what it means", async () => {
  const data = memoryOfflineData();
  await (await open(withScore(1, double), data)).apply();
  const store = await open(withScore(2, triple), data);
  const { changes, reusedVersions } = await store.plan();
  expect(reusedVersions).toEqual([]);
  expect(
    changes.map(({ kind, name, details, destructive, consequences }) => ({
      what: `${kind} ${name}`,
      details,
      destructive,
      consequences,
    })),
  ).toEqual([
    {
      what: "feature score.risk",
      details: ["value.column.version: 1 → 2"],
      destructive: "its values change",
      consequences: [],
    },
    {
      what: "view score",
      details: ["version: 1 → 2"],
      destructive: null,
      consequences: [
        "version 2 of its code answers, online and in training sets: a model that was trained " +
          "with version 1 needs a training set of version 2",
      ],
    },
  ]);
  await store.apply({ allowDestructive: true });
  expect((await store.plan()).changes).toEqual([]);
});

test("other code under an applied version is refused, now and later", async () => {
  const data = memoryOfflineData();
  await (await open(withScore(1, double), data)).apply({ by: "ann" });
  const changed = await open(withScore(1, triple), data);
  expect(await changed.plan()).toMatchObject({
    changes: [],
    reusedVersions: [{ transform: "score", version: 1, applied: { by: "ann" } }],
  });
  const refusal = {
    code: "TRANSFORM_CHANGED",
    message: expect.stringContaining(
      'transform "score" has other code than its version 1, which ann applied at',
    ),
  };
  await expect(changed.apply({ allowDestructive: true })).rejects.toMatchObject(refusal);
  await (await open(withScore(2, triple), data)).apply({ allowDestructive: true });
  const back = await open(withScore(1, triple), data);
  await expect(back.apply({ allowDestructive: true })).rejects.toMatchObject(refusal);
  await (await open(withScore(1, double), data)).apply({ allowDestructive: true });
  await (await open({ weekly }, data)).apply({ allowDestructive: true });
  const again = await open(withScore(2, double), data);
  await expect(again.apply({ allowDestructive: true })).rejects.toMatchObject({
    code: "TRANSFORM_CHANGED",
  });
});

test("other code under one version is no definition mismatch: bundles differ in text", async () => {
  const data = memoryOfflineData();
  await (await open(withScore(1, double), data)).apply();
  const store = await openStore({
    definitions: withScore(1, triple),
    offline: memoryOfflineStore(data),
    onDefinitionMismatch: "refuse",
  });
  await store.close();
});

test("a change of an input changes the transform, and what reads it", async () => {
  const data = memoryOfflineData();
  const definitions = (changed: boolean, { score } = withScore(1, double)) => {
    const inputs = changed ? { risk: score.risk, more: weekly.fees } : { risk: score.risk };
    const band = transform("band", {
      version: 1,
      inputs,
      outputs: { band: string() },
      compute: () => ({ band: "low" }),
    });
    return { weekly, band };
  };
  await (await open(definitions(false), data)).apply();
  const { changes } = await (await open(definitions(true), data)).plan();
  expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "feature band.band",
    "view band",
  ]);
  const newer = definitions(false, withScore(2, triple));
  const { changes: both } = await (await open(newer, data)).plan();
  expect(both.map(({ kind, name, usedBy }) => [`${kind} ${name}`, usedBy])).toEqual([
    ["feature band.band", []],
    ["feature score.risk", ["view band"]],
    ["view score", ["view band"]],
  ]);
});

test("two transforms of one name with other code are refused", async () => {
  const definitions = { ...withScore(1, double), other: withScore(1, triple).score };
  await expect(open(definitions, memoryOfflineData())).rejects.toMatchObject({
    code: "DEFINITION_CONFLICT",
    message: expect.stringContaining('two different derived views are called "score"'),
  });
});
