/**
 * Law 11: what a change needs is known before it is made. For each kind of edit, a feature that the
 * plan calls served is answered, one that waits is refused with the plan's code, and after the
 * commands of the plan every feature is answered.
 */
import { micros, openStore, type Store } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  definitionEdits,
  editKinds,
  firstDefinitions,
  generateScenario,
  Random,
  redefinedChanges,
  requestKeys,
  scenarioDefinitions,
  seedsFromEnvironment,
  selectedIn,
  type DefinitionSet,
} from "@tidemark/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder } from "../src/real-stores.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 40, least: 16 });

/** The feature's fate at a request: "answered", or the code of its refusal. */
async function fateOf(
  store: Store,
  selected: ReturnType<typeof selectedIn>[number],
  keys: Readonly<Record<string, unknown>>,
  time: number,
): Promise<string> {
  const { all } = scenarioDefinitions({ sources: [], selected: [selected] });
  return store.getOnlineFeatures({ features: all, entity: keys, asOf: micros(time) } as never).then(
    () => "answered",
    (error: { readonly code?: string }) => error.code ?? String(error),
  );
}

test(
  "what a plan says of each feature comes true, for each kind of edit",
  { timeout: 600_000 },
  async () => {
    const counts = new Map<
      string,
      { edits: number; served: number; refused: number; rewritten: number }
    >();
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++)
      await inFolder(async (folder) => {
        const scenario = generateScenario(seed, { traits: { changes: 40 } });
        const topic = join(folder, "topic.jsonl");
        writeFileSync(topic, scenario.lines.join("\n"));
        const random = new Random(seed);
        const before = firstDefinitions(random, scenario);
        const dropped = scenario.views.filter(
          ({ name }) => !before.views.some((view) => view.name === name),
        );
        const last = Math.max(0, ...scenario.truth.map(({ committed }) => committed ?? 0));
        const now = Math.ceil(last / 1000) * 1000;
        for (const kind of editKinds) {
          const after = definitionEdits[kind](before, {
            random,
            scenario,
            valuesOf: (source, column) => {
              const index = source.columns.findIndex(({ name }) => name === column);
              return redefinedChanges(scenario, [source]).flatMap(({ values }) =>
                values === null ? [] : [values[index]!],
              );
            },
            dropped,
            number: 1,
          });
          if (after === null) continue;
          const data = memoryOnlineData();
          const offline = memoryOfflineStore();
          const retention = random.chance(0.5) ? "forever" : "1s";
          const open = ({ sources, ...rest }: DefinitionSet): Promise<Store> =>
            openStore({
              definitions: scenarioDefinitions({
                sources,
                selected: selectedIn({ sources, ...rest }),
              }),
              online: { store: memoryOnlineStore(data), retention, logRetention: "forever" },
              offline,
              namespace: "test",
              clock: () => new Date(now / 1000),
              onDefinitionMismatch: "ignore",
            });
          const old = await open(before);
          await old.apply();
          await old.run(recordedTopic(topic, { onWarning: () => undefined, unreadable: "keep" }), {
            mismatch: "ignore",
            onNotTaken: () => undefined,
            onMismatch: () => undefined,
          });
          const store = await open(after);
          const plan = await store.plan();
          const serving = new Map([
            ...plan.changes.flatMap((change) =>
              change.serving === null ? [] : [[change.name, change.serving] as const],
            ),
            ...plan.waiting.map((one) => [one.feature, one.serving] as const),
          ]);
          const count = counts.get(kind) ?? { edits: 0, served: 0, refused: 0, rewritten: 0 };
          counts.set(kind, count);
          count.edits++;
          const refused: string[] = [];
          const ask = async (one: ReturnType<typeof selectedIn>[number]): Promise<string> => {
            const keys = requestKeys({ selected: [one] }, scenario.requests[0]!);
            return fateOf(store, one, keys, now);
          };
          for (const one of selectedIn(after)) {
            const name = `${one.view.name}.${one.feature.name}`;
            const code = serving.get(name)?.code ?? null;
            expect(await ask(one), `seed ${seed}, ${kind}, ${name}`).toBe(code ?? "answered");
            if (code === "NEEDS_BACKFILL") refused.push(name);
            count[code === null ? "served" : "refused"]++;
          }
          const where = `seed ${seed}, ${kind}`;
          const backfills = plan.work.flatMap(({ backfill }) => backfill ?? []);
          expect(backfills.flatMap(({ features }) => features).toSorted(), where).toEqual(
            refused.toSorted(),
          );
          expect(
            backfills.every(({ services }) => services.includes("all")),
            where,
          ).toBe(true);
          const { next, rewritten } = await store.apply({ allowDestructive: true });
          const planned = plan.work.flatMap(({ source, rewrite }) =>
            rewrite === null ? [] : [{ source, total: rewrite.rows, reused: 0 }],
          );
          expect(planned, where).toEqual(rewritten);
          count.rewritten += rewritten.length;
          expect(next, where).toBe(refused.length > 0 ? "tidemark backfill" : null);
          if (next !== null) await store.backfill();
          for (const one of selectedIn(after))
            expect(await ask(one), `${where}, after: ${one.feature.name}`).toBe("answered");
          expect(await store.plan(), where).toMatchObject({ changes: [], waiting: [], work: [] });
        }
      });
    const found = [...counts].map(([kind, count]) => `${kind} ${JSON.stringify(count)}`);
    console.log(`plan promises: ${seeds} seeds: ${found.join(", ")}`);
    expect([...counts.keys()].toSorted()).toEqual(editKinds.toSorted());
    expect([...counts.values()].some(({ refused }) => refused > 0)).toBe(true);
    expect([...counts.values()].some(({ rewritten }) => rewritten > 0)).toBe(true);
  },
);
