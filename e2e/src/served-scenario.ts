/** Serves a generated scenario while its log is read, with a serving log. */
import { openStore, type Store } from "@tidemark/core";
import { keysNeeded, toUser } from "@tidemark/core/internal";
import type { Change, ChangeSource, SelectedFeature } from "@tidemark/core/spi";
import { scenarioDefinitions, type PathStores, type Scenario } from "@tidemark/testkit";
import { setImmediate } from "node:timers/promises";
import { keepingStores } from "./real-stores.ts";

/**
 * A scenario whose log arrives in the order in which it was committed. No snapshot comes later: its
 * rows would hold from before it, where the source is `commitTime({ since })`.
 */
export const SERVED_TRAITS = {
  clockGoesBack: false,
  redelivered: false,
  interleaved: false,
  partitionAdded: false,
  tailCut: false,
  partitions: 1,
  incremental: false,
  gap: false,
} as const;

export interface ServedScenario {
  readonly store: Store;
  /** The number of entity rows that were answered. */
  readonly rows: number;
  /** The answers from the first to the last, as a range of `skew`. */
  readonly range: { readonly from: Date; readonly to: Date };
}

/**
 * Serves every entity of the scenario at each moment at which everything that was committed before
 * has arrived. `behind`: so many changes have not arrived.
 */
export async function serveScenario(
  scenario: Scenario,
  stores: PathStores,
  { behind = 0 }: { readonly behind?: number } = {},
): Promise<ServedScenario> {
  const { truth, requests } = scenario;
  const selected: readonly SelectedFeature[] = [
    ...scenario.selected,
    ...scenario.derived,
    ...scenario.roles.map((one) => one.selected),
  ];
  const definitions = scenarioDefinitions({ ...scenario, selected: selected as never });
  let now = 0;
  let isLogged = false;
  const store = await openStore({
    definitions,
    ...keepingStores(stores),
    // the first request after a change is not logged: it begins the look at what was taken
    servingLog: {
      sample: 0.5,
      random: () => (isLogged ? 0 : 1),
      takenAge: 0,
      commit: { rows: 500 },
    },
    clock: () => new Date(now / 1000),
  });
  const columns = keysNeeded(selected);
  const entities = requests.map(({ keys }) =>
    Object.fromEntries(
      columns.map((column) => [
        column.name,
        toUser(keys[column.name] ?? null, { ...column, mode: undefined }),
      ]),
    ),
  );
  const committed = truth.map((change) => change.committed ?? -Infinity);
  const times: number[] = [];
  for (let arrived = 1; arrived <= truth.length; arrived++) {
    const known = Math.max(...committed.slice(0, arrived));
    const next = Math.min(Infinity, ...committed.slice(arrived).filter((time) => time > -Infinity));
    // the clock has milliseconds
    const first = Math.floor(known / 1000) * 1000 + 1000;
    const last = Math.floor(Math.min(next, known + 3_600_000_000) / 1000) * 1000;
    if (first > last || known === -Infinity) continue;
    await run(store, truth, arrived - behind);
    const features = definitions.all;
    const ask = () => store.getOnlineColumns({ features, entities, onMissing: "null" });
    now = first;
    isLogged = false;
    await ask();
    await setImmediate();
    isLogged = true;
    for (const time of new Set([first, last])) {
      now = time;
      times.push(time);
      await ask();
    }
  }
  await run(store, truth, truth.length);
  now = Math.max(...times) + 1_000_000;
  return {
    store,
    rows: times.length * entities.length,
    range: {
      from: new Date(Math.min(...times) / 1000 - 1),
      to: new Date(Math.max(...times) / 1000 + 1),
    },
  };
}

async function run(store: Store, truth: readonly Change[], length: number): Promise<void> {
  await store.run(prefixOf(truth.slice(0, Math.max(0, length))), { mismatch: "ignore" });
}

/** A change source of the first changes of a log. */
function prefixOf(truth: readonly Change[]): ChangeSource {
  return {
    name: "the log so far",
    // a source may have no other message yet
    unreadable: "keep",
    async *changes({ after }) {
      const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
      const changes = truth.filter(
        ({ topic, partition, offset }) => offset > (reached.get(`${topic}:${partition}`) ?? -1),
      );
      const positions = new Map(
        changes.map(({ topic, partition, offset }) => [`${topic}:${partition}`, offset]),
      );
      yield {
        changes,
        positions: [...positions].map(([partition, offset]) => ({ partition, offset })),
      };
    },
  };
}
