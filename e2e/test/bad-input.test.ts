/**
 * Tests bad input with real files. Each fault is a TidemarkError with a code and a next step, and
 * nothing is half-written. Once the fault is gone, the run goes on to the oracle's bits.
 */
import {
  entity,
  featureView,
  count,
  int64,
  isTidemarkError,
  openStore,
  source,
  string,
  timestamp,
  type RunOptions,
  type StoreBackpressure,
  type Store,
  type TidemarkError,
} from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import {
  generateScenario,
  scenarioDefinitions,
  type Scenario,
  seedsFromEnvironment,
} from "@tidemark/testkit";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onSmallDisk, remount, smallDisks } from "@tidemark/testkit/small-disk";
import { suiteNeeding } from "@tidemark/testkit/suite-needing";
import { describe, expect, test } from "vitest";
import {
  keepingStores,
  databasePath,
  inFolder,
  lakePath,
  realStores,
  topicPath,
  writeTopic,
} from "../src/real-stores.ts";
import { storeDifferences } from "../src/store-differences.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });

interface TestFolder {
  readonly scenario: Scenario;
  readonly folder: string;
  open(): Promise<Store>;
  /** Runs the whole topic. A store that refuses is retried for a second, or as `options` say. */
  run(store: Store, options?: RunOptions): Promise<void>;
}

/** Makes a log in a folder, and stores that commit in small pieces. */
async function inTestFolder(
  use: (place: TestFolder) => Promise<void>,
  state: (folder: string) => string = (folder) => folder,
): Promise<void> {
  const scenario = generateScenario(seed, { traits: { changes: 120, tailCut: false } });
  await inFolder(async (folder) => {
    writeTopic(folder, scenario);
    await use({
      scenario,
      folder,
      open: () =>
        openStore({
          definitions: scenarioDefinitions(scenario),
          ...keepingStores(realStores(state(folder)), { commit: { rows: 10 }, buckets: 2 }),
        }),
      async run(store, options = {}) {
        await store.run(
          recordedTopic(topicPath(folder), {
            batchChanges: 10,
            onWarning: () => undefined,
            unreadable: "keep",
          }),
          { mismatch: "ignore", maxStallTime: "1s", onBackpressure: () => undefined, ...options },
        );
      },
    });
  });
}

/**
 * Returns the error of a call, or the error that a run waited for. It must be a TidemarkError whose
 * message matches and names the next step.
 */
async function refused(call: Promise<unknown>, says: RegExp): Promise<string> {
  const error: unknown = await call.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  if (!isTidemarkError(error)) throw error;
  expect(error.message).toMatch(says);
  expect(error.message).not.toMatch(/undefined|\[object/);
  return error.code === "STORE_STALLED" ? (error.cause as TidemarkError).code : error.code;
}

/** Runs the rest of the topic and compares every path. */
async function expectNextRunWorks({ scenario, open, run }: TestFolder): Promise<void> {
  const store = await open();
  await run(store);
  for (const asked of ["online", "as corrected", "as known"] as const)
    expect(await storeDifferences(store, scenario, scenario.requests, asked)).toEqual([]);
  await store.close();
}

/** Lists the files below a folder, largest first. */
function files(folder: string, ending: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(ending),
  );
  return found
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => statSync(b).size - statSync(a).size);
}

describe("definitions that contradict each other", () => {
  const made = (table: string) => {
    const rows = source("payments", {
      table,
      columns: { id: int64("id"), user_id: string("user_id"), time: timestamp("time") },
      primaryKey: ["id"],
      eventTime: "time",
    });
    return featureView(`of ${table}`.replaceAll(/\W/g, "_"), {
      entity: entity("user", { keys: { user_id: string() } }),
      source: rows,
      features: { n: count().over("1d") },
    });
  };

  test("are DEFINITION_CONFLICT before any file is touched", async () => {
    await inFolder(async (folder) => {
      const opened = openStore({
        definitions: { one: made("public.payments"), other: made("archive.payments") },
        ...realStores(folder),
      });
      expect(
        await refused(
          opened,
          // prettier-ignore
          /two different sources are called "payments": one from export one.*, one from export other.*; rename one/,
        ),
      ).toBe("DEFINITION_CONFLICT");
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});

describe("a file of the lake that was cut off", () => {
  test("a damaged Parquet file is PARQUET_DAMAGED by name; other reads go on", async () => {
    await inTestFolder(async (place) => {
      const store = await place.open();
      await place.run(store);
      const file = files(lakePath(place.folder), ".parquet").find((name) =>
        name.includes("versions"),
      )!;
      const whole = readFileSync(file);
      truncateSync(file, Math.floor(whole.length * 0.6));
      const ask = storeDifferences(store, place.scenario, place.scenario.requests, "as known");
      expect(await refused(ask, /\.parquet.*(put|restore|copy)/s)).toBe("PARQUET_DAMAGED");
      expect(
        await storeDifferences(store, place.scenario, place.scenario.requests, "online"),
      ).toEqual([]);
      await store.close();
      writeFileSync(file, whole);
      await expectNextRunWorks(place);
    });
  });

  test("an entry of the table's log: nothing is read past it and nothing written", async () => {
    await inTestFolder(async (place) => {
      const store = await place.open();
      await place.run(store);
      await store.close();
      const entry = files(lakePath(place.folder), ".json")
        .filter((name) => name.includes("changes") && /\d{20}\.json$/.test(name))
        .sort()
        .at(-1)!;
      // an entry that a checkpoint covers too is not needed
      for (const file of readdirSync(dirname(entry)).filter((name) => name.includes("checkpoint")))
        rmSync(join(dirname(entry), file));
      const whole = readFileSync(entry);
      truncateSync(entry, whole.length - 20);
      const before = files(lakePath(place.folder), "").length;
      const cut = await place.open();
      expect(
        await refused(
          storeDifferences(cut, place.scenario, place.scenario.requests, "as known"),
          /_delta_log.*(put|restore)/s,
        ),
      ).toBe("DELTA_LOG_DAMAGED");
      expect(await refused(place.run(cut), /_delta_log.*(put|restore)/s)).toBe("DELTA_LOG_DAMAGED");
      expect(files(lakePath(place.folder), "").length).toBe(before);
      await cut.close();
      writeFileSync(entry, whole);
      await expectNextRunWorks(place);
    });
  });
});

describe("a topic", () => {
  test("with a line that is no JSON is TOPIC_LINE_INVALID; earlier lines are in once", async () => {
    await inTestFolder(async (place) => {
      const topic = topicPath(place.folder);
      const lines = readFileSync(topic, "utf8").split("\n");
      const middle = Math.floor(lines.length / 2);
      writeFileSync(topic, lines.with(middle, lines[middle]!.slice(0, 50)).join("\n"));
      const store = await place.open();
      expect(await refused(place.run(store), new RegExp(`topic\\.jsonl:${middle + 1}\\b`))).toBe(
        "TOPIC_LINE_INVALID",
      );
      expect((await store.status()).some(({ online }) => online!.positions.length > 0)).toBe(true);
      await store.close();
      writeFileSync(topic, lines.join("\n"));
      await expectNextRunWorks(place);
    });
  });

  test("other than the one that was read is refused, and the stores stay unchanged", async () => {
    await inTestFolder(async (place) => {
      const store = await place.open();
      await place.run(store);
      const before = await store.status();
      const lines = readFileSync(topicPath(place.folder), "utf8");
      for (let other = 1; other <= 20; other++) {
        writeTopic(
          place.folder,
          generateScenario(seed + other, { traits: { ...place.scenario.traits, changes: 120 } }),
        );
        expect(["TOPIC_RECREATED", "LOG_LOST"]).toContain(
          await refused(place.run(store), /(new stores|whole recording)/),
        );
        expect(await store.status()).toEqual(before);
      }
      await store.close();
      writeFileSync(topicPath(place.folder), lines);
      await expectNextRunWorks(place);
    });
  });

  test("that is not there is TOPIC_NOT_FOUND, and no file is made for it", async () => {
    await inTestFolder(async (place) => {
      const store = await place.open();
      expect(
        await refused(store.run(recordedTopic(join(place.folder, "other.jsonl"))), /other\.jsonl/),
      ).toBe("TOPIC_NOT_FOUND");
      expect(existsSync(join(place.folder, "other.jsonl"))).toBe(false);
      await store.close();
      await expectNextRunWorks(place);
    });
  });
});

test("a state file that is no database, or another program's, is refused unchanged", async () => {
  await inTestFolder(async (place) => {
    writeFileSync(databasePath(place.folder), "user,amount\n".repeat(2000));
    expect(await refused(place.open(), /online\.db: .*(check the path|restore|remove)/)).toBe(
      "ONLINE_STORE_DAMAGED",
    );
    expect(readFileSync(databasePath(place.folder), "utf8")).toMatch(/^user,amount\n/);
  });
});

suiteNeeding(smallDisks(), "a file system", () => {
  /** Calls `use` with a folder on a small file system. */
  async function inSmallFolder(
    size: string,
    use: (place: TestFolder, disk: string) => Promise<void>,
  ): Promise<void> {
    await inTestFolder(
      async (place) => {
        const disk = join(place.folder, "disk");
        mkdirSync(disk);
        await onSmallDisk(disk, size, () => use(place, disk));
      },
      (folder) => join(folder, "disk"),
    );
  }

  test("full is ONLINE_STORE_FULL or OBJECTS_FULL; with more room the run goes on", async () => {
    const codes = new Set<string>();
    for (const size of ["150k", "200k", "250k", "300k", "350k", "400k"]) {
      await inSmallFolder(size, async (place, disk) => {
        codes.add(
          await refused(
            (async () => {
              const store = await place.open();
              try {
                await place.run(store);
              } finally {
                await store.close();
              }
            })(),
            /(room|space)/,
          ),
        );
        remount(disk, "size=64m");
        await expectNextRunWorks(place);
      });
    }
    console.log(`bad input: a full disk was ${[...codes].join(", ")}`);
    expect(
      [...codes].filter((code) => !["ONLINE_STORE_FULL", "OBJECTS_FULL"].includes(code)),
    ).toEqual([]);
    expect(codes.size).toBeGreaterThan(0);
  });

  test("full under the history does not hold up the online store; both end level", async () => {
    await inTestFolder(async (place) => {
      const { scenario, folder } = place;
      const disk = lakePath(folder);
      mkdirSync(disk);
      await onSmallDisk(disk, "60k", async () => {
        const store = await place.open();
        const backpressure: StoreBackpressure[] = [];
        let error: unknown = null;
        const ended = place
          .run(store, {
            maxStallTime: "forever",
            onBackpressure: (stall) => {
              backpressure.push(stall);
            },
          })
          .catch((thrown: unknown) => {
            error = thrown;
          });
        const ends = (parts: readonly (readonly Position[])[]): string =>
          parts
            .flatMap((positions) =>
              positions.map(({ partition, offset }) => `${partition} ${offset}`),
            )
            .toSorted()
            .join();
        const last = new Map<string, number>();
        for (const { topic, partition, offset } of scenario.truth)
          last.set(
            `${topic}:${partition}`,
            Math.max(offset, last.get(`${topic}:${partition}`) ?? -1),
          );
        for (;;) {
          if (error !== null) throw error;
          const status = await store.status();
          if (
            status[0]!.backpressure.length > 0 &&
            ends(status.map(({ online }) => online!.positions)) ===
              [...last]
                .map((one) => one.join(" "))
                .toSorted()
                .join()
          ) {
            expect(status[0]!.backpressure).toMatchObject([
              { role: "history", error: { code: "OBJECTS_FULL" } },
            ]);
            break;
          }
          await sleep(20);
        }
        expect(await storeDifferences(store, scenario, scenario.requests, "online")).toEqual([]);
        remount(disk, "size=64m");
        await ended;
        expect(error).toBeNull();
        expect(backpressure.at(-1)).toMatchObject({ role: "history", caughtUp: true });
        expect((await store.status())[0]!.backpressure).toEqual([]);
        await store.close();
        await expectNextRunWorks(place);
      });
    });
  });

  test("read-only is ONLINE_STORE_READ_ONLY or OBJECTS_READ_ONLY until writable", async () => {
    await inSmallFolder("64m", async (place, disk) => {
      const topic = readFileSync(topicPath(place.folder), "utf8");
      writeFileSync(
        topicPath(place.folder),
        topic.slice(0, topic.indexOf("\n", topic.length / 2) + 1),
      );
      const store = await place.open();
      await place.run(store);
      await store.close();
      writeFileSync(topicPath(place.folder), topic);
      remount(disk, "ro");
      expect(await refused(place.open(), /(write access|right)/)).toBe("ONLINE_STORE_READ_ONLY");
      const offline = await openStore({
        definitions: scenarioDefinitions(place.scenario),
        offline: realStores(disk).offline,
      });
      const half = place.scenario.truth.slice(
        0,
        topic.slice(0, topic.indexOf("\n", topic.length / 2)).split("\n").length,
      );
      expect(
        await storeDifferences(offline, place.scenario, place.scenario.requests, "as known", {
          truth: half,
        }),
      ).toEqual([]);
      expect(await refused(place.run(offline), /(write access|right)/)).toBe("OBJECTS_READ_ONLY");
      remount(disk, "rw");
      await expectNextRunWorks(place);
    });
  });
});
