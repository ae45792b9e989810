/** Tests when a source counts as ready: once it was level with its log or its history. */
import { openStore } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import type { ChangeSource, LogEnd } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { specOfSource } from "../../src/define/spec-of.ts";
import { layoutFor, readSourceState } from "../../src/online/source-state.ts";
import { HOUR, NOON, ShopLog, date, payments, weekly } from "../support/shop.ts";

type Data = ReturnType<typeof memoryOnlineData>;

async function isReady(data: Data): Promise<boolean> {
  const online = memoryOnlineStore(data);
  await online.open({ namespace: "default" });
  return (await readSourceState(online, "default", layoutFor(specOfSource(payments), []))).isReady;
}

const open = (data: Data, offline = memoryOfflineStore()) =>
  openStore({
    definitions: { weekly },
    online: { store: memoryOnlineStore(data), retention: "forever" },
    offline,
    clock: () => date(NOON),
  });

const log = (): ShopLog =>
  new ShopLog().paid({ id: 1, time: NOON - HOUR }).paid({ id: 2, time: NOON - HOUR });

/** A log that goes on, with a lag that the test sets. Its run ends with the signal. */
function live(from: ChangeSource, lag: { now: number | null }): ChangeSource {
  return {
    ...from,
    bounded: false,
    lag: () => (lag.now === null ? [] : [{ partition: "t.public.payments:0", lag: lag.now }]),
    async *changes(options) {
      yield* from.changes(options);
      await new Promise((resolve) => {
        options.signal!.addEventListener("abort", resolve);
      });
    },
  };
}

test("a source is ready after a run over a log that ends", async () => {
  const data = memoryOnlineData();
  expect(await isReady(data)).toBe(false);
  await (await open(data)).run(log().source());
  expect(await isReady(data)).toBe(true);
});

test("a source without any message is ready too, once the whole log was read", async () => {
  const data = memoryOnlineData();
  const store = await open(data);
  await store.run(new ShopLog().source());
  expect(await isReady(data)).toBe(true);
});

describe("a source without any message, beside messages of a table with almost its name", () => {
  const mistyped = (from: ChangeSource): ChangeSource => ({
    ...from,
    async *changes(options) {
      yield* from.changes(options);
      yield { changes: [], positions: [], skipped: [OTHER_TABLE] };
    },
  });
  const OTHER_TABLE = {
    topic: "t.public.payment",
    reason: "TABLE_NOT_DECLARED",
    count: 7,
    first: { partition: 0, offset: 0, message: "no source declares public.payment" },
    last: 6,
    near: "public.payments",
  };
  const quiet = { onNotTaken: () => undefined };

  test("is not ready, and says why", async () => {
    const store = await open(memoryOnlineData());
    await store.run(mistyped(new ShopLog().source()), quiet);
    expect((await store.readiness())[0]).toMatchObject({
      isReady: false,
      reason: "NOT_READY",
      message:
        "no message is of its table public.payments, and 7 messages of t.public.payment belong " +
        "to no source: correct the table and run again, or take the table as empty with " +
        "--mismatch ignore",
    });
    const asked = store.getOnlineFeatures({ features: weekly, entities: [{ user_id: "ann" }] });
    await expect(asked).rejects.toMatchObject({ code: "NOT_READY" });
  });

  test("is ready after the first of its own messages", async () => {
    const data = memoryOnlineData();
    await (await open(data)).run(mistyped(log().source()), quiet);
    expect(await isReady(data)).toBe(true);
  });

  test('is ready with mismatch: "ignore"', async () => {
    const data = memoryOnlineData();
    const store = await open(data);
    await store.run(mistyped(new ShopLog().source()), { ...quiet, mismatch: "ignore" });
    expect(await isReady(data)).toBe(true);
  });
});

test("a run that ends with an error leaves the source unready", async () => {
  const data = memoryOnlineData();
  const from = log().source();
  const failing: ChangeSource = {
    ...from,
    async *changes(options) {
      yield* from.changes(options);
      throw new Error("the log broke off");
    },
  };
  await expect((await open(data)).run(failing)).rejects.toThrow("the log broke off");
  expect(await isReady(data)).toBe(false);
});

test("a live source is ready once its lag is 0, and not before", async () => {
  const data = memoryOnlineData();
  const lag: { now: number | null } = { now: null };
  const stop = new AbortController();
  const store = await open(data);
  const run = store.run(live(log().source(), lag), { signal: stop.signal });
  const settled = run.catch((error: unknown) => error);
  await new Promise((resolve) => {
    setTimeout(resolve, 1_200);
  });
  expect(await isReady(data), "the lag is not known").toBe(false);
  lag.now = 1;
  await new Promise((resolve) => {
    setTimeout(resolve, 1_200);
  });
  expect(await isReady(data), "one message is missing").toBe(false);
  lag.now = 0;
  await expect.poll(() => isReady(data), { timeout: 5_000 }).toBe(true);
  const { version } = data;
  await new Promise((resolve) => {
    setTimeout(resolve, 1_200);
  });
  expect(data.version, "nothing is written once the source is ready").toBe(version);
  stop.abort(new Error("stopped"));
  expect(await settled).toMatchObject({ message: "stopped" });
});

test("a source is ready after a backfill", async () => {
  const offline = memoryOfflineStore();
  await (await open(memoryOnlineData(), offline)).run(log().source());
  const data = memoryOnlineData();
  const store = await open(data, offline);
  expect(await isReady(data)).toBe(false);
  await store.backfill();
  expect(await isReady(data)).toBe(true);
});

describe("several runs of one log", () => {
  const name = (partition: number): string => `t.public.payments:${partition}`;

  /** A run of a shared log that owns some of its partitions. */
  function sharing(
    own: () => readonly { readonly partition: string; readonly lag: number }[],
    ends: () => readonly LogEnd[],
  ): ChangeSource {
    return {
      ...live(new ShopLog().source(), { now: null }),
      shared: true,
      lag: own,
      ends: async () => ends(),
    };
  }
  const endOf = (partition: number, end = 5, source: string | null = "payments"): LogEnd => ({
    partition: name(partition),
    end,
    source,
  });
  /** Runs of several processes over one store; they stop with the returned function. */
  async function running(data: Data, ...sources: readonly ChangeSource[]) {
    const stop = new AbortController();
    const runs = sources.map(async (source) =>
      (await open(data)).run(source, { signal: stop.signal }).catch((error: unknown) => error),
    );
    return async () => {
      stop.abort(new Error("stopped"));
      await Promise.all(runs);
    };
  }
  const later = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, 1_300);
    });

  test("a source is ready once the partitions of every run were level", async () => {
    const data = memoryOnlineData();
    const slow = { lag: 3 };
    const ends = (): LogEnd[] => [endOf(0), endOf(1), endOf(2, 0)];
    const stop = await running(
      data,
      sharing(() => [{ partition: name(0), lag: 0 }], ends),
      sharing(() => [{ partition: name(1), lag: slow.lag }], ends),
    );
    await later();
    expect(await isReady(data), "partition 1 of the other run is not level").toBe(false);
    slow.lag = 0;
    await expect.poll(() => isReady(data), { timeout: 5_000 }).toBe(true);
    await stop();
  });

  test("a partition that was added later is waited for, and one that moved counts", async () => {
    const data = memoryOnlineData();
    const ends = [endOf(0), endOf(1)];
    const own = [{ partition: name(0), lag: 0 }];
    const stop = await running(
      data,
      sharing(
        () => own,
        () => ends,
      ),
    );
    await later();
    expect(await isReady(data)).toBe(false);
    ends.push(endOf(2));
    own[0] = { partition: name(1), lag: 0 };
    await later();
    expect(await isReady(data), "nobody was level with partition 2").toBe(false);
    own.push({ partition: name(2), lag: 0 });
    await expect.poll(() => isReady(data), { timeout: 5_000 }).toBe(true);
    await stop();
  });

  test("a log that does not answer, or has another source only, makes none ready", async () => {
    for (const ends of [
      (): readonly LogEnd[] => {
        throw new Error("no broker answers");
      },
      () => [endOf(0, 5, "customers")],
    ]) {
      const data = memoryOnlineData();
      const stop = await running(
        data,
        sharing(() => [{ partition: name(0), lag: 0 }], ends),
      );
      await later();
      expect(await isReady(data)).toBe(false);
      await stop();
    }
  });

  test("a run that ends is level with its own partitions only", async () => {
    const data = memoryOnlineData();
    const ends = (): LogEnd[] => [endOf(0), endOf(1)];
    const run = async (partition: number): Promise<void> => {
      const from = sharing(() => [{ partition: name(partition), lag: 0 }], ends);
      const ended = { ...from, bounded: true, changes: new ShopLog().source().changes };
      await (await open(data)).run(ended);
    };
    await run(0);
    expect(await isReady(data)).toBe(false);
    await run(1);
    expect(await isReady(data)).toBe(true);
  });
});
