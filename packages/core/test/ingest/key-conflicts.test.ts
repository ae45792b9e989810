/** Tests declared primary keys that are not those of the table. */
import {
  count,
  featureView,
  float64,
  int64,
  source,
  string,
  timestamp,
  type NotTaken,
  type Store,
} from "@tidemark/core";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { describe, expect, test } from "vitest";
import { NOON, openShop, rejectionOf, ShopLog, user, type ChangeOptions } from "../support/shop.ts";

const FORMAT = '{"format":"debezium","table":"public.payments"}';

/** What a message says: its operation, and its key as JSON text. */
function said(op: string, key: object | null, more: ChangeOptions = {}): ChangeOptions {
  const logged = {
    row: null,
    key: key === null ? null : JSON.stringify(key),
    oldKey: null,
    format: FORMAT,
  };
  return { ...more, change: { op, logged, ...more.change } };
}

/** A log of created rows. `declared` is the value of the declared key, and `key` the table's. */
function creates(rows: readonly (readonly [declared: number, key: number])[], op = "c"): ShopLog {
  const log = new ShopLog();
  for (const [id, key] of rows)
    log.paid({ id, time: NOON }, said(op, { nr: key }, op === "r" ? { lsn: 100n } : {}));
  return log;
}

async function toldOf(log: ShopLog, store?: Store): Promise<readonly NotTaken[]> {
  const told = store ?? (await openShop()).store;
  const quiet = { onNotTaken: () => undefined, onMismatch: () => undefined };
  return (await told.run(log.source(), { ...quiet, mismatch: "ignore" })).notTaken;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("a declared primary key that two rows of the table share", () => {
  test.each(["c", "r"])(
    "is told of rows with op %s, with an example, and in the status",
    async (op) => {
      const { store } = await openShop();
      const told: NotTaken[] = [];
      const log = creates(
        [
          [1, 10],
          [2, 11],
          [1, 12],
          [3, 13],
          [2, 14],
        ],
        op,
      );
      const { notTaken } = await store.run(log.source(), { onNotTaken: (one) => told.push(one) });
      const message =
        "two rows of the table have one value of the primary key (id), so one " +
        "replaces the other: " +
        '{"nr":10} and {"nr":12}. Declare the primary key of the table; the key of the messages ' +
        "has the columns nr";
      expect(notTaken).toEqual([
        {
          kind: "miskeyed",
          source: "payments",
          reason: "PRIMARY_KEY_NOT_UNIQUE",
          column: "id",
          count: 2,
          first: { topic: "t.public.payments", partition: 0, offset: 2, message },
        },
      ]);
      expect(told).toHaveLength(1);
      const [status] = await store.status();
      expect(status!.mismatches).toEqual([
        { column: "id", reason: "PRIMARY_KEY_NOT_UNIQUE", rows: 2, of: 5, message },
      ]);
      expect(status!.online!.notTaken).toEqual(notTaken);
    },
  );

  test("stops a new source if more than half of the first rows replace another", async () => {
    const { store } = await openShop();
    const log = creates(upTo(1_000).map((key) => [key % 400, key]));
    const error = await rejectionOf(store.run(log.source(), { onNotTaken: () => undefined }));
    expect(error).toMatchObject({
      code: "SOURCE_MISMATCH",
      message: expect.stringContaining(
        '600 of them, column "id" (PRIMARY_KEY_NOT_UNIQUE)',
      ) as string,
    });
  });

  test("is told after ten thousand good rows, of rows that are remembered", async () => {
    const log = creates([...upTo(9_000).map((key): [number, number] => [key, key]), [7, 9_001]]);
    expect(await toldOf(log)).toMatchObject([{ reason: "PRIMARY_KEY_NOT_UNIQUE", count: 1 }]);
  });

  test("is told once for each of two partitions, and counted together", async () => {
    const log = new ShopLog();
    for (const key of upTo(20))
      log.paid({ id: key % 4, time: NOON }, said("c", { nr: key }, { partition: key % 2 }));
    expect(await toldOf(log)).toMatchObject([{ reason: "PRIMARY_KEY_NOT_UNIQUE", count: 16 }]);
  });
});

const widePayments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    shop_id: int64("shop").nullable(),
    vendor: string("Vendor"),
    amount: float64("Amount").nullable(),
    fee: int64("fee").nullable(),
    time: timestamp("Time", { zone: "UTC" }).nullable(),
  },
  primaryKey: ["id", "vendor"],
  eventTime: "time",
});
const wide = {
  user,
  payments: widePayments,
  weekly: featureView("weekly", {
    entity: user,
    source: widePayments,
    features: { payments_l1w: count().over("7d") },
  }),
};

test("a primary key with more columns than the table's is told when updates change", async () => {
  const { store } = await openShop({ definitions: wide });
  const log = new ShopLog();
  for (const id of upTo(30)) log.paid({ id, vendor: "new", time: NOON }, said("c", { id }));
  for (const id of upTo(5)) log.paid({ id, vendor: "sent", time: NOON }, said("u", { id }));
  expect(await toldOf(log, store)).toMatchObject([
    { kind: "miskeyed", reason: "PRIMARY_KEY_CHANGES", column: "id, vendor", count: 3 },
  ]);
});

test("a key with more columns than the message key may be right", async () => {
  const { store } = await openShop({ definitions: wide });
  const log = new ShopLog();
  for (const id of upTo(30))
    for (const vendor of ["a", "b"]) log.paid({ id, vendor, time: NOON }, said("c", { id }));
  for (const id of upTo(30)) log.paid({ id, vendor: "a", time: NOON }, said("u", { id }));
  expect(await toldOf(log, store)).toEqual([]);
});

describe("no row is told", () => {
  const rows: readonly (readonly [string, (log: ShopLog) => void])[] = [
    [
      "whose message key is the declared one, with a member of a router",
      (log) => {
        for (const table of ["a", "b"])
          log.paid({ id: 1 }, said("c", { id: 1, __dbz__physicalTableIdentifier: table }));
      },
    ],
    [
      "without a message key",
      (log) => {
        log.paid({ id: 1 }, said("c", null)).paid({ id: 1 }, said("c", null));
      },
    ],
    [
      "that was deleted and created again under another message key",
      (log) => {
        log
          .paid({ id: 1 }, said("c", { user: 1 }))
          .deletePayment(1, said("d", { user: 1 }))
          .paid({ id: 1 }, said("c", { user: 2 }));
      },
    ],
    [
      "whose message key an update changed",
      (log) => {
        log
          .paid({ id: 1 }, said("c", { user: 1 }))
          .paid({ id: 1 }, said("u", { user: 2 }))
          .paid({ id: 1 }, said("r", { user: 2 }));
      },
    ],
    [
      "that a truncate removed",
      (log) => {
        log
          .paid({ id: 1 }, said("c", { user: 1 }))
          .truncatePayments(said("t", null))
          .paid({ id: 1 }, said("c", { user: 2 }));
      },
    ],
    [
      "that an incremental snapshot read",
      (log) => {
        log
          .paid({ id: 1 }, said("c", { user: 1 }))
          .paid({ id: 1 }, said("r", { user: 2 }, { lsn: null }));
      },
    ],
    [
      "of a second snapshot",
      (log) => {
        log
          .paid({ id: 1 }, said("r", { user: 1 }, { lsn: 50n }))
          .paid({ id: 1 }, said("r", { user: 2 }, { lsn: 60n }));
      },
    ],
    [
      "that was delivered again after its delete",
      (log) => {
        log
          .paid({ id: 1, time: NOON }, said("c", { user: 1 }, { lsn: 10n }))
          .deletePayment(1, said("d", { user: 1 }, { lsn: 20n }))
          .paid({ id: 1, time: NOON }, said("c", { user: 1 }, { lsn: 10n }))
          .paid({ id: 1, time: NOON }, said("c", { user: 2 }, { lsn: 30n }));
      },
    ],
    [
      "of a snapshot that was delivered again after a truncate",
      (log) => {
        log
          .paid({ id: 1, time: NOON }, said("r", { user: 1 }, { lsn: 10n }))
          .truncatePayments(said("t", null, { lsn: 20n }))
          .paid({ id: 1, time: NOON }, said("r", { user: 1 }, { lsn: 10n }))
          .paid({ id: 1, time: NOON }, said("c", { user: 2 }, { lsn: 30n }));
      },
    ],
    [
      "that was delivered again",
      (log) => {
        log
          .paid({ id: 1, time: NOON }, said("c", { user: 1 }, { lsn: 10n }))
          .deletePayment(1, said("d", { user: 1 }, { lsn: 20n }))
          .paid({ id: 1, time: NOON }, said("c", { user: 2 }, { lsn: 30n }))
          .paid({ id: 1, time: NOON }, said("c", { user: 1 }, { lsn: 10n }));
      },
    ],
  ];
  test.each(rows)("%s", async (_, write) => {
    const log = new ShopLog();
    write(log);
    expect(await toldOf(log)).toEqual([]);
  });
});

const { seeds } = seedsFromEnvironment({ runs: 40 });

describe("a table whose messages have the key of another column", () => {
  test.each([...seeds])("is not told, seed %i", async (seed) => {
    expect(await toldOf(tableLog(seed, "user"))).toEqual([]);
  });

  test.each([...seeds])("is told if the declared column is not unique, seed %i", async (seed) => {
    const [told] = await toldOf(tableLog(seed, "id"));
    expect(told).toMatchObject({ reason: "PRIMARY_KEY_NOT_UNIQUE" });
    expect(told!.count).toBeGreaterThan(20);
  });
});

/**
 * A log of a table whose rows come and go and change their user. The key of the messages is the
 * user, with the declared key right; or the id, with another column declared as the key. Segments
 * are delivered again.
 */
function tableLog(seed: number, messageKey: "user" | "id"): ShopLog {
  const random = new Random(seed);
  const log = new ShopLog();
  const users = new Map<number, number>();
  const partitions = random.between(1, 3);
  let lsn = 1_000n;
  const write = (op: string, row: number, user: number): void => {
    const id = messageKey === "user" ? row : user;
    const key = messageKey === "user" ? { user } : { nr: row };
    const partition = (messageKey === "user" ? user : row) % partitions;
    const place = said(op, key, { lsn: (lsn += 1n), partition });
    if (op === "d") log.deletePayment(id, place);
    else log.paid({ id, time: NOON }, place);
  };
  for (let i = 0; i < 400; i++) {
    const row = random.between(1, 60);
    const user = users.get(row);
    if (user === undefined) {
      users.set(row, random.between(1, 20));
      write("c", row, users.get(row)!);
    } else if (random.chance(0.3)) {
      users.delete(row);
      write("d", row, user);
    } else if (messageKey === "id" || random.chance(0.5)) write("u", row, user);
    else {
      // Debezium writes a change of the key as a delete and a create.
      write("d", row, user);
      users.set(row, random.between(1, 20));
      write("c", row, users.get(row)!);
    }
    if (!random.chance(0.05)) continue;
    const from = random.int(log.changes.length);
    for (const change of log.changes.slice(from, from + random.between(1, 20)))
      log.add(change.source, change.kind, change.values, {
        lsn: change.order,
        partition: change.partition,
        change: { op: change.op, logged: change.logged },
      });
  }
  return log;
}
