import type { Change, ChangeSource, Metadata, Position } from "@tidemark/core/spi";
import type { Store } from "@tidemark/core";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { historyTables } from "../../src/offline/history-tables.ts";
import {
  beginGenerationStep,
  completeGenerationStep,
} from "../../src/rows/snapshot-generations.ts";
import { expect, test } from "vitest";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  SECOND,
  date,
  definitions,
  profile,
  rejectionOf,
  weekly,
  openShop,
} from "../support/shop.ts";

const spec = collectDefinitions(definitions).sources.get("payments")!;
const ann = { user_id: "ann" } as const;

type SnapshotRow = Change["snapshotMarker"] | "row";

/** Makes a new log of payments, as a new connector writes it. */
class NewLog extends ShopLog {
  snapshot(id: number, row: SnapshotRow, lsn: bigint, amount = 1, committed = NOON): this {
    return this.paid(
      { id, time: NOON - HOUR, amount },
      {
        lsn,
        committed,
        change: { snapshot: true, op: "r", snapshotMarker: row === "row" ? undefined : row },
      },
    );
  }
}

async function counted(store: Store, asOf = NOON + HOUR): Promise<number> {
  const [row] = await store.getOnlineFeatures({
    features: [weekly.payments_l1w],
    entities: [ann],
    asOf: date(asOf),
  });
  return row.payments_l1w;
}

async function known(store: Store, time: number): Promise<number> {
  const [row] = await (
    await store.getHistoricalFeatures({
      features: [weekly.payments_l1w],
      entities: [{ ...ann, event_timestamp: date(time) }],
      knowledge: "as-known",
    })
  ).rows();
  return row!.payments_l1w;
}

/** Three payments. The database has lost the third. */
async function threePaid(): Promise<Awaited<ReturnType<typeof openShop>>> {
  const made = await openShop();
  const log = new ShopLog();
  for (const id of [1, 2, 3]) log.paid({ id, time: NOON - 2 * HOUR }, { lsn: 1000n + BigInt(id) });
  await made.store.run(log.source());
  return made;
}

const afterwards = (): NewLog =>
  new NewLog()
    .snapshot(1, "first", 70n)
    .snapshot(2, "row", 70n)
    .snapshot(4, "last", 70n)
    .paid({ id: 5, time: NOON - HOUR }, { lsn: 71n, committed: NOON + SECOND });

test("rows missing in the snapshot end at its time, and stay known before it", async () => {
  const { store } = await threePaid();
  expect(await store.resnapshot("payments", afterwards().source({ batch: 1 }))).toMatchObject({
    changes: 4,
    generation: 1,
  });
  expect(await counted(store)).toBe(4);
  expect([
    await known(store, NOON),
    await known(store, NOON + SECOND),
    await known(store, NOON + HOUR),
  ]).toEqual([3, 3, 4]);
  const [payment] = await store.status();
  expect(payment).toMatchObject({
    source: "payments",
    generation: 1,
    resnapshotting: false,
    online: { positions: [{ partition: "t.public.payments:0", offset: 3 }] },
    history: { changes: 7 },
  });
});

test("the stream goes on in the new generation, whose LSNs and offsets are lower", async () => {
  const { store } = await threePaid();
  const log = afterwards();
  await store.resnapshot("payments", log.source());
  log
    .deletePayment(1, { lsn: 72n, committed: NOON + 2 * SECOND })
    .paid({ id: 3, time: NOON - HOUR }, { lsn: 73n, committed: NOON + 3 * SECOND });
  expect(await store.run(log.source())).toMatchObject({ changes: 2 });
  expect(await counted(store)).toBe(4);
  // missing between the snapshot and its return
  expect([await known(store, NOON + 3 * SECOND), await known(store, NOON + 4 * SECOND)]).toEqual([
    3, 4,
  ]);
});

test(
  "a source that ends within the snapshot is SNAPSHOT_INCOMPLETE; the old rows are " + "served",
  async () => {
    const { store } = await threePaid();
    expect(
      await rejectionOf(store.resnapshot("payments", afterwards().source({ upTo: 2 }))),
    ).toEqual({
      code: "SNAPSHOT_INCOMPLETE",
      message: expect.stringMatching(
        new RegExp(
          '^resnapshot of source "payments": hand-made log ended before the last row of a ' +
            "snapshot.*Run tidemark resnapshot payments, or call store\\.resnapshot, again",
        ),
      ) as string,
    });
    expect(await counted(store)).toBe(3);
    expect(
      (await store.status()).map(({ generation, resnapshotting }) => [generation, resnapshotting]),
    ).toEqual([
      [1, true],
      [0, false],
    ]);
    expect(await store.resnapshot("payments", afterwards().source())).toMatchObject({
      changes: 2,
      generation: 1,
    });
    expect(await counted(store)).toBe(4);
  },
);

test("a change behind the snapshot's rows in their partition ends the snapshot too", async () => {
  const { store } = await threePaid();
  const splitCheckpoint = new NewLog()
    .snapshot(1, "first", 70n)
    .paid({ id: 5, time: NOON - HOUR }, { lsn: 71n, committed: NOON + SECOND });
  await store.resnapshot("payments", splitCheckpoint.source());
  expect(await counted(store)).toBe(2);
});

test("if a snapshot is repeated only its rows count; redelivered rows begin none", async () => {
  const { store } = await threePaid();
  const twice = new NewLog()
    .snapshot(1, "first", 70n)
    .snapshot(3, "row", 70n)
    .snapshot(1, "first", 80n, 1, NOON + 5 * SECOND)
    .snapshot(2, "last", 80n, 1, NOON + 5 * SECOND)
    .snapshot(3, "row", 70n);
  await store.resnapshot("payments", twice.source());
  expect(await counted(store)).toBe(2);
});

test("changes before the snapshot in the same topic keep no row", async () => {
  const { store } = await threePaid();
  const same = new NewLog()
    .paid({ id: 3, time: NOON - HOUR, amount: 7 }, { lsn: 1010n, committed: NOON - 5 * SECOND })
    .snapshot(1, "first", 2000n)
    .snapshot(2, "last", 2000n);
  await store.resnapshot("payments", same.source());
  expect(await counted(store)).toBe(2);
});

test("a snapshot of a restored database behind older changes is SOURCE_LSN_WENT_BACK", async () => {
  const { store } = await threePaid();
  const same = new NewLog()
    .paid({ id: 3, time: NOON - HOUR }, { lsn: 1010n, committed: NOON - 5 * SECOND })
    .snapshot(1, "first", 70n)
    .snapshot(2, "last", 70n);
  expect(await rejectionOf(store.resnapshot("payments", same.source()))).toEqual({
    code: "SOURCE_LSN_WENT_BACK",
    message: expect.stringMatching(
      new RegExp(
        "offset 1 is of a snapshot at LSN 70, and earlier changes " +
          "in that partition have LSNs up to 1010.*into a new topic",
      ),
    ) as string,
  });
});

test('ending: "source" ends empty tables and incremental snapshots with their log', async () => {
  const { store } = await threePaid();
  expect(
    await store.resnapshot("payments", new ShopLog().source(), { ending: "source" }),
  ).toMatchObject({ changes: 0, generation: 1 });
  expect([
    await counted(store),
    await known(store, NOON),
    await known(store, NOON + SECOND),
  ]).toEqual([0, 3, 0]);
  const chunks = new NewLog()
    .snapshot(1, "incremental", 90n)
    .snapshot(2, "incremental", 95n, 1, NOON + 9 * SECOND);
  expect(await rejectionOf(store.resnapshot("payments", chunks.source()))).toMatchObject({
    code: "SNAPSHOT_INCOMPLETE",
  });
  expect(await store.resnapshot("payments", chunks.source(), { ending: "source" })).toMatchObject({
    changes: 0,
    generation: 2,
  });
  expect(await counted(store)).toBe(2);
});

test("several resnapshots of a source keep what each generation knew", async () => {
  const { store } = await threePaid();
  for (let n = 1; n <= 5; n++) {
    const log = new NewLog()
      .snapshot(n, "first", 50n, 1, NOON + n * DAY)
      .snapshot(n + 1, "last", 50n, 1, NOON + n * DAY);
    expect((await store.resnapshot("payments", log.source())).generation).toBe(n);
  }
  expect(await counted(store)).toBe(2);
  expect([
    await known(store, NOON),
    await known(store, NOON + 2 * DAY + SECOND),
    await known(store, NOON + 5 * DAY + SECOND),
  ]).toEqual([3, 2, 2]);
});

test(
  "a TOASTed column is not taken from before the gap; the " + "row waits for a whole image",
  async () => {
    const { store } = await threePaid();
    const vendor = spec.columns.findIndex(({ name }) => name === "vendor");
    const log = new NewLog().paid(
      { id: 3, time: NOON - HOUR },
      { lsn: 60n, committed: NOON - 5 * SECOND, change: { unavailable: [vendor] } },
    );
    expect(await rejectionOf(store.resnapshot("payments", log.source()))).toMatchObject({
      code: "SNAPSHOT_INCOMPLETE",
    });
    expect(await store.quarantine("payments")).toMatchObject([
      { key: { id: 3n }, column: "vendor", reason: "TOAST_UNRESOLVED" },
    ]);
    log.snapshot(3, "last", 70n);
    await store.resnapshot("payments", log.source());
    expect([await store.quarantine("payments"), await counted(store)]).toEqual([[], 1]);
  },
);

test(
  "a snapshot row that replaces a version holds from its " + "snapshot, not from `since`",
  async () => {
    const { store } = await openShop();
    const row = (city: string, time: number): ShopLog =>
      new ShopLog().add("customers", "upsert", [1n, "ann", city, NOON - 9 * DAY], {
        committed: time,
        change: { snapshot: true, op: "r", snapshotMarker: "last" },
      });
    await store.run(row("Oslo", NOON - DAY).source());
    await store.resnapshot("customers", row("Rome", NOON).source());
    const cities = await (
      await store.getHistoricalFeatures({
        features: [profile.city],
        entities: [NOON - HOUR, NOON, NOON + HOUR].map((time) => ({
          ...ann,
          event_timestamp: date(time),
        })),
      })
    ).rows();
    expect(cities.map(({ city }) => city)).toEqual(["Oslo", "Oslo", "Rome"]);
  },
);

test("LSNs beyond 2^56 and more than 126 generations are refused by name", async () => {
  const { store, online, offline } = await threePaid();
  const large = new NewLog().snapshot(1, "last", 1n << 56n);
  expect(await rejectionOf(store.resnapshot("payments", large.source()))).toMatchObject({
    code: "ORDER_TOO_LARGE",
  });
  await store.resnapshot("payments", afterwards().source());
  const snapshot = { start: 1n, end: 1n, committed: 1 };
  const last = (metadata: Metadata) => {
    const begun = beginGenerationStep(metadata, 126);
    const { next } = completeGenerationStep(new Map([[begun.key, begun.next!]]), 126, snapshot);
    return { positions: [], metadata: [{ ...begun, next }] };
  };
  const { changes } = historyTables(spec);
  await online.write({ source: "payments", cells: [], ...last(await online.metadata("payments")) });
  await offline.append(changes, [], last((await offline.state(changes.name))!.metadata));
  expect(await rejectionOf(store.resnapshot("payments", afterwards().source()))).toMatchObject({
    code: "GENERATIONS_EXHAUSTED",
  });
});

test("a change source gets its own positions back, and acknowledges them", async () => {
  const { store } = await threePaid();
  const log = afterwards();
  const asked: unknown[] = [];
  const acknowledged: Position[] = [];
  const own = ({ partition, offset, checkpoint }: Position) => ({
    partition,
    offset,
    message: checkpoint?.message,
  });
  const marking = (upTo: number): ChangeSource => {
    const inner = log.source({ batch: 1, upTo });
    return {
      name: inner.name,
      async *changes(options) {
        asked.push(options.after.map(own));
        for await (const { changes, positions } of inner.changes(options))
          yield {
            changes,
            positions: positions.map((position) => ({
              ...position,
              checkpoint: {
                message: { offset: position.offset, fingerprint: `of ${position.offset}` },
              },
            })),
          };
      },
      ack: async (positions) => {
        acknowledged.push(...positions);
      },
    };
  };
  expect(await rejectionOf(store.resnapshot("payments", marking(1)))).toMatchObject({
    code: "SNAPSHOT_INCOMPLETE",
  });
  await store.resnapshot("payments", marking(4));
  const at = (offset: number) => ({
    partition: "t.public.payments:0",
    offset,
    message: { offset, fingerprint: `of ${offset}` },
  });
  expect(asked).toEqual([[], [at(0)], [at(3)]]);
  expect(
    acknowledged.every(
      ({ partition, checkpoint }) =>
        partition === "t.public.payments:0" && /^of \d$/.test(checkpoint!.message!.fingerprint),
    ),
  ).toBe(true);
  const [status] = await store.status();
  expect(status!.online!.positions).toEqual([{ partition: "t.public.payments:0", offset: 3 }]);
});

test("a row of the snapshot that is in no window is in quarantine", async () => {
  const { store } = await threePaid();
  const untimed = new NewLog()
    .paid(
      { id: 1, time: null },
      { lsn: 70n, change: { snapshot: true, op: "r", snapshotMarker: "first" } },
    )
    .snapshot(2, "last", 70n)
    .paid({ id: 5, time: NOON - HOUR }, { lsn: 71n });
  await store.resnapshot("payments", untimed.source());
  expect(await store.quarantine("payments")).toMatchObject([{ key: { id: 1n }, column: "time" }]);
});
