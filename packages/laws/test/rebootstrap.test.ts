/** Law 5's way out: when a log has lost changes, a new epoch begins from a new snapshot, and every path answers as the oracle does. */
import { isTidemarkError, openStore, type Store } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore, Random, scenarioDefinitions, type EndedSnapshot } from "@tidemark/core/testing";
import type { Change } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { brokenLog, changesOf, type Aftermath, type BrokenLog } from "../src/rebootstrap-scenario.ts";
import { runSettings } from "../src/settings.ts";
import { differing, type Asked } from "../src/through-store.ts";

const { seed: firstSeed, seeds } = runSettings("rebootstrap", 60);
const CLOCK = 4_200_000_000_000;
const PATHS: readonly Asked[] = ["online", "as corrected", "as known"];

type Stores = Pick<Parameters<typeof openStore>[0], "online" | "offline">;

function open({ scenario }: BrokenLog, stores: Stores): Promise<Store> {
  return openStore({ definitions: scenarioDefinitions(scenario), ...stores, clock: () => new Date(CLOCK), retain: "forever", history: { commit: { rows: 9 }, buckets: 2 } });
}

async function expectOracle(store: Store, { scenario, aftermath }: BrokenLog, truth: readonly Change[], ended: readonly EndedSnapshot[]): Promise<void> {
  const found: string[] = [];
  for (const asked of PATHS) found.push(...(await differing(store, scenario, scenario.requests, asked, { truth, ended })));
  expect(found.slice(0, 3).map((text) => `${aftermath}: ${text}`)).toEqual([]);
}

interface Rebooted {
  readonly truth: readonly Change[];
  readonly ended: readonly EndedSnapshot[];
}

/** Sources one after the other. A table that is empty by now has no row that is its snapshot's last: it ends with a log that holds nothing from before. */
async function rebootstrapAll(store: Store, log: BrokenLog, random: Random): Promise<Rebooted> {
  const ended: EndedSnapshot[] = [];
  const truth = [...log.before];
  for (const { name } of log.scenario.sources) {
    const mine = log.after.filter((change) => change.source === name);
    const marked = log.snapshots.get(name);
    const changes = changesOf(name, log.after, random);
    if (marked !== undefined) {
      expect((await store.rebootstrap(name, changes)).epoch).toBe(1);
      ended.push(marked);
    } else if (log.aftermath !== "retained") {
      const refused: unknown = await store.rebootstrap(name, changes).then(() => null, (error: unknown) => error);
      expect(isTidemarkError(refused, "SNAPSHOT_INCOMPLETE")).toBe(true);
      const rows = mine.filter(({ snapshot, kind }) => snapshot && kind === "upsert");
      const committed = rows.length === 0 ? CLOCK * 1000 : Math.max(...rows.map((change) => change.committed!));
      expect((await store.rebootstrap(name, changes, { ending: "source" })).epoch).toBe(1);
      ended.push({ source: name, epoch: 1, start: 0n, end: rows.reduce((end, { lsn }) => (lsn !== null && lsn > end ? lsn : end), 0n), committed });
    } else continue;
    truth.push(...mine);
  }
  return { truth, ended };
}

test("after a gap, a new snapshot and the log from there give the oracle's bits, whatever became of offsets and LSNs", { timeout: 600_000 }, async () => {
  const met = { logs: 0, sources: 0, ended: 0, swept: 0 };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    for (const aftermath of ["retained", "recreated", "restored"] as const satisfies readonly Aftermath[]) {
      const log = brokenLog(seed, aftermath);
      if (log === null || log.scenario.traits.shape === "flat") continue;
      const random = new Random(seed);
      const store = await open(log, { online: memoryOnlineStore(), offline: memoryOfflineStore() });
      await store.run(changesOf("before", log.before, random));
      await expectOracle(store, log, log.before, []);
      const { truth, ended } = await rebootstrapAll(store, log, random);
      await expectOracle(store, log, truth, ended);
      await store.close();
      met.logs++;
      met.sources += log.scenario.sources.length;
      met.ended += ended.length;
    }
  }
  console.log(`rebootstrap: ${JSON.stringify(met)}`);
  expect(met.ended).toBeGreaterThan(seeds / 2);
});
