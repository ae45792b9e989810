import { expect, test } from "vitest";
import { micros } from "../../src/define/time-input.ts";
import { makeDefinition } from "../../src/define/definition.ts";
import { toUser } from "../../src/define/user-values.ts";
import type { ViewSpec } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";
import type { Store } from "../../src/store/store-types.ts";
import { scenarioSource } from "@tidemark/testkit/oracle/consistency";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { otherDelivery } from "@tidemark/testkit/generate/scenario";
import { formatDate } from "../../src/time/parse-time.ts";
import { daysOf, openStores, type TestStores } from "./scenario-stores.ts";
import { strictStore } from "./strict-store.ts";
import { entitiesOf, expectedRows, oracleOfChanges, shown, tableRows } from "./expected.ts";

const { first: firstSeed, runs: seeds } = seedsFromEnvironment({ runs: 25 });
const DAY = 86_400_000_000;

const timeOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) * 1000 + DAY;

/** Compares every table with the oracle, date by date and cell by cell. */
async function expectTables(
  { scenario, offline }: TestStores,
  changes: readonly Change[],
  dates: ReadonlyMap<string, readonly string[]>,
): Promise<number> {
  const oracle = oracleOfChanges(scenario, changes);
  let cells = 0;
  for (const view of scenario.views) {
    const found = await tableRows(offline, view);
    for (const date of dates.get(view.name) ?? []) {
      const expected = expectedRows(oracle, view, timeOf(date));
      const rows =
        found.get(date) ?? new Map<string, { time: number; values: readonly unknown[] }>();
      expect([...rows.keys()].sort(), `seed ${scenario.seed}, ${view.name}, ${date}`).toEqual(
        [...expected.keys()].sort(),
      );
      for (const [key, values] of expected) {
        expect(
          shown(rows.get(key)!.values),
          `seed ${scenario.seed}, ${view.name}, ${date}, ${key}`,
        ).toBe(shown(values));
        expect(rows.get(key)!.time).toBe(timeOf(date));
        cells += values.length;
      }
    }
    expect(
      [...found.keys()].filter((date) => !(dates.get(view.name) ?? []).includes(date)),
    ).toEqual([]);
  }
  return cells;
}

/** Checks that the online store serves the rows of one day, and no others. */
async function expectServed(
  { scenario, store }: TestStores,
  changes: readonly Change[],
  newest: ReadonlyMap<string, string>,
): Promise<number> {
  const oracle = oracleOfChanges(scenario, changes);
  let rows = 0;
  for (const view of scenario.views) {
    const date = newest.get(view.name);
    if (date === undefined) continue;
    const expected = expectedRows(oracle, view, timeOf(date));
    const entities = entitiesOf(oracle, view);
    const definition = makeDefinition({ kind: "view", spec: view }, view.name) as Parameters<
      Store["getMaterialized"]
    >[0]["view"];
    const asked = entities.map((keys) =>
      Object.fromEntries(
        view.entity.keys.map((column) => [
          column.name,
          toUser(keys[column.name]!, { ...column, mode: undefined }),
        ]),
      ),
    );
    const found = await store.getMaterialized({ view: definition, entities: asked as never });
    (found as readonly (Record<string, unknown> | null)[]).forEach((row, i) => {
      const values = expected.get(shown(Object.values(entities[i]!)));
      const wanted =
        values === undefined
          ? null
          : {
              event_timestamp: new Date(timeOf(date) / 1000),
              ...Object.fromEntries(
                view.features.map(({ name, result }, f) => [name, toUser(values[f]!, result)]),
              ),
            };
      expect(
        shown(row),
        `seed ${scenario.seed}, ${view.name} of ${shown(entities[i])} on ${date}`,
      ).toBe(shown(wanted));
      if (row !== null) rows++;
    });
  }
  return rows;
}

const everyView = (views: readonly ViewSpec[], dates: readonly string[]) =>
  new Map(views.map(({ name }) => [name, dates]));
const newestOf = (dates: ReadonlyMap<string, readonly string[]>) =>
  new Map(
    [...dates].flatMap(([view, list]) =>
      list.length === 0 ? [] : [[view, list.toSorted().at(-1)!] as const],
    ),
  );

test(
  "the rows of a day are those of the oracle, of history and of the online store",
  { timeout: 300_000 },
  async () => {
    const met = { cells: 0, served: 0, asked: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const random = new Random(seed);
      const opened = await openStores(seed, undefined, strictStore().store);
      const { store } = opened;
      await store.run(scenarioSource(opened.scenario, otherDelivery(opened.scenario, random)), {
        mismatch: 1,
      });
      // a log may be cut off before the first change of a source
      const views: ViewSpec[] = [];
      for (const view of opened.scenario.views) {
        const states = await Promise.all(
          (view.parts ?? [view]).map(({ source }) =>
            opened.offline.state(`${source.name}/changes`),
          ),
        );
        if (!states.includes(null)) views.push(view);
      }
      if (views.length === 0) continue;
      const scenario = { ...opened.scenario, views };
      const here = { ...opened, scenario };
      const dates = daysOf(scenario, random, 4);
      const limits = random.pick([
        {},
        { memoryLimit: 600, days: 1 },
        { memoryLimit: 2500, days: 2, engineRows: 2 },
        { memoryLimit: 1 },
        { engineRows: 1 },
        { days: 1 },
        { engineRows: 4 },
      ]);
      await here.materialize({ views: views.map(({ name }) => name), dates }, limits);
      const all = everyView(scenario.views, dates);
      met.cells += await expectTables(here, scenario.truth, all);
      met.served += await expectServed(here, scenario.truth, newestOf(all));

      // Every path gives the same bits (laws 2 and 3: validity, one answer).
      for (const view of scenario.views) {
        const definition = makeDefinition({ kind: "view", spec: view }, view.name) as never;
        for (const [date, rows] of await tableRows(here.offline, view)) {
          for (const [key, { values }] of [...rows].slice(0, 3)) {
            const keys = entitiesOf(oracleOfChanges(scenario, scenario.truth), view).find(
              (one) => shown(Object.values(one)) === key,
            )!;
            const entity = Object.fromEntries(
              view.entity.keys.map((column) => [
                column.name,
                toUser(keys[column.name]!, { ...column, mode: undefined }),
              ]),
            );
            const wanted = shown(
              Object.fromEntries(
                view.features.map(({ name, result }, f) => [name, toUser(values[f]!, result)]),
              ),
            );
            const [online] = (await store.getOnlineFeatures({
              features: definition,
              entities: [entity],
              asOf: micros(timeOf(date)),
            } as never)) as readonly object[];
            expect(
              shown({ ...online }),
              `seed ${seed}, ${view.name}, online asOf the end of ${date}, ${key}`,
            ).toBe(wanted);
            const training = await store.getHistoricalFeatures({
              features: definition,
              entities: [{ ...entity, event_timestamp: micros(timeOf(date)) }],
            } as never);
            const [past] = (await training.rows()) as Record<string, unknown>[];
            expect(
              shown(Object.fromEntries(view.features.map(({ name }) => [name, past![name]]))),
              `seed ${seed}, ${view.name}, history at the end of ${date}, ${key}`,
            ).toBe(wanted);
            met.asked++;
          }
        }
      }
    }
    console.log(`materialize: ${seeds} seeds, ${JSON.stringify(met)}`);
    expect(met.cells).toBeGreaterThan(seeds * 20);
    expect(met.served).toBeGreaterThan(seeds);
  },
);

test(
  "incremental equals a full computation after late and corrected rows",
  { timeout: 300_000 },
  async () => {
    const met = { cells: 0, again: 0, added: 0, unchanged: 0, runs: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const random = new Random(seed * 7 + 1);
      const here = await openStores(seed, undefined, strictStore().store);
      const { scenario, store } = here;
      const order = otherDelivery(scenario, random);
      const dates = daysOf(scenario, random, 6);
      const done = new Map<string, readonly string[]>(scenario.views.map(({ name }) => [name, []]));
      let cut = 0;
      for (let round = 0; round < 4; round++) {
        cut =
          round === 3
            ? order.length
            : Math.min(order.length, cut + 1 + random.int(Math.max(1, order.length >>> 1)));
        await store.run(scenarioSource(scenario, order.slice(0, cut)), { mismatch: 1 });
        const changes = order
          .slice(0, cut)
          .flat()
          .map((line) => scenario.truth[line]!);
        for (const { name, source } of scenario.views) {
          if ((await here.offline.state(`${source.name}/changes`)) === null) continue;
          const limits = random.pick([
            {},
            { days: 2 },
            { memoryLimit: 1000 },
            { memoryLimit: 8000, days: 2 },
            { changedRows: 2 },
            { engineRows: 3 },
          ]);
          const some = dates.filter(() => random.chance(0.3));
          if (round === 0 || (some.length > 0 && random.chance(0.4))) {
            const list = some.length === 0 ? [dates[0]!] : some;
            await here.materialize({ views: [name], dates: list }, limits);
            done.set(name, [...new Set([...done.get(name)!, ...list])]);
          }
          if (done.get(name)!.length === 0) continue;
          // The days since the last run, and sometimes one more.
          const last = done.get(name)!.toSorted().at(-1)!;
          const to = formatDate(timeOf(last) / DAY + (random.chance(0.3) ? 1 : 0));
          const {
            views: [result],
          } = await here.materialize({ views: [name], incremental: true, to }, limits);
          done.set(name, [
            ...new Set([...done.get(name)!, ...result!.dates.map(({ date }) => date)]),
          ]);
          met.again += result!.dates.filter(({ state }) => state === "recomputed").length;
          met.added += result!.dates.filter(({ state }) => state === "new").length;
          met.unchanged += result!.unchanged;
          met.runs++;
          const again = await here.materialize({ views: [name], incremental: true, to }, limits);
          expect(again.views[0]!.dates, `seed ${seed}, ${name}: nothing is left to do`).toEqual([]);
          const view = scenario.views.filter((one) => one.name === name);
          met.cells += await expectTables(
            { ...here, scenario: { ...scenario, views: view } },
            changes,
            done,
          );
          await expectServed(
            { ...here, scenario: { ...scenario, views: view } },
            changes,
            newestOf(done),
          );
        }
      }
    }
    console.log(`materialize --incremental: ${seeds} seeds, ${JSON.stringify(met)}`);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(seeds / 5);
  },
);
