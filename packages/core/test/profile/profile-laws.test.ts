/** Profiles equal a recount of the rows as they stand, whatever changed and whatever was killed. */
import {
  boolean,
  bytes,
  decimal,
  float64,
  int64,
  json,
  openStore,
  source,
  string,
  timestamp,
  type ColumnProfile,
  type Store,
} from "@tidemark/core";
import {
  specOfSource,
  type Change,
  type ChangeSource,
  type OfflineStore,
  type Value,
} from "@tidemark/core/spi";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { faultyOffline, type Fault } from "../support/faulty-stores.ts";

const { seeds } = seedsFromEnvironment({ runs: 40 });

const DAY = 86_400_000_000;
const START = Date.parse("2025-06-01T00:00:00Z") * 1000;

const orders = source("orders", {
  table: "public.orders",
  columns: {
    id: int64(),
    vendor: string().nullable(),
    amount: float64().nullable(),
    price: decimal({ precision: 12, scale: 2 }).nullable(),
    paid: boolean().nullable(),
    seen: timestamp({ zone: "UTC" }).nullable(),
    raw: bytes().nullable(),
    extra: json().nullable(),
    secret: string().describe({ sensitivity: "pii" }).nullable(),
    time: timestamp({ zone: "UTC" }).nullable(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const NAMES = specOfSource(orders).columns.map(({ name }) => name);
const TIME = NAMES.indexOf("time");

/** The rows as they stand, by primary key. */
type Rows = Map<bigint, readonly Value[]>;

/** A log of changes, and the rows that it leaves. */
class Log {
  readonly rows: Rows = new Map();
  readonly changes: Change[] = [];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Makes some more changes. */
  grow(count: number): void {
    for (let i = 0; i < count; i++) this.change();
  }

  private change(): void {
    const { random, rows } = this;
    const known = [...rows.keys()];
    const action = random.int(100);
    if (action < 2) {
      rows.clear();
      this.push({ kind: "truncate", values: null });
    } else if (action < 20 && known.length > 0) {
      const id = random.pick(known);
      rows.delete(id);
      this.push({ kind: "delete", values: NAMES.map((name) => (name === "id" ? id : null)) });
    } else if (action < 30 && known.length > 0) {
      // the row gets another key, and often another day
      const [id, next] = [random.pick(known), BigInt(random.int(40))];
      rows.delete(id);
      const values = this.row(next);
      rows.set(next, values);
      this.push({ kind: "upsert", values, oldKey: id === next ? null : [id] });
    } else {
      const id = BigInt(random.int(40));
      const values = this.row(id);
      rows.set(id, values);
      this.push({ kind: "upsert", values });
    }
  }

  private row(id: bigint): readonly Value[] {
    const { random } = this;
    const maybe = <T>(value: T): T | null => (random.chance(0.15) ? null : value);
    const time = START + random.int(6) * DAY + random.int(DAY);
    return [
      id,
      maybe(random.pick(["Food", "Sport", "Travel", "日本", "x".repeat(300)])),
      maybe(random.pick([0, -0, 1.5, -2.25, 1e300, 1e-300, random.fraction() * 100])),
      maybe(BigInt(random.int(10_000))),
      maybe(random.chance(0.5)),
      maybe(START - random.int(DAY)),
      maybe(new Uint8Array(random.int(4))),
      maybe(random.pick(['{"a":1}', "[]"])),
      maybe(`name ${random.int(5)}`),
      random.chance(0.05) ? null : time,
    ];
  }

  private push(change: Pick<Change, "kind" | "values"> & Partial<Change>): void {
    const offset = this.changes.length;
    this.changes.push({
      source: "orders",
      topic: "t",
      partition: 0,
      offset,
      oldKey: null,
      unavailable: [],
      invalidColumns: [],
      undecodable: null,
      nonFinite: 0,
      order: BigInt(offset + 1),
      committed: START + 10 * DAY + offset,
      snapshot: false,
      op: "c",
      timestamp: null,
      transaction: null,
      ...change,
    });
  }
}

/** The changes from some offset on, which may be an offset that was read already. */
function changesOf(changes: readonly Change[]): ChangeSource {
  return {
    name: "test",
    async *changes({ after }) {
      const done = after.find(({ partition }) => partition === "t:0")?.offset ?? -1;
      const left = changes.filter(({ offset }) => offset > done);
      if (left.length > 0)
        yield { changes: left, positions: [{ partition: "t:0", offset: left.at(-1)!.offset }] };
    },
  };
}

const open = (offline: OfflineStore): Promise<Store> =>
  openStore({
    definitions: { orders },
    offline: { store: offline, commit: { rows: 7 } },
    clock: () => new Date("2025-07-01T00:00:00Z"),
  });

/** What a plain count of values says of a column. */
function naive(
  name: string,
  values: readonly Value[],
): Partial<ColumnProfile> & { readonly most?: number } {
  const shared = {
    column: name,
    rows: values.length,
    nulls: values.filter((value) => value === null).length,
  };
  const present = values.filter((value) => value !== null);
  if (name === "amount" || name === "price" || name === "id" || name === "raw") {
    const numbers = present
      .map((value) =>
        value instanceof Uint8Array
          ? value.length
          : name === "price"
            ? Number(value) / 100
            : Number(value) + 0,
      )
      .sort((a, b) => a - b);
    return {
      ...shared,
      distinct: new Set(numbers).size,
      min: numbers[0] ?? null,
      max: numbers.at(-1) ?? null,
    };
  }
  const distinct = new Set(present).size;
  if (name === "secret") return { ...shared, distinct, isHidden: true, frequent: null, min: null };
  if (name === "time" || name === "seen") return { ...shared, distinct };
  const counts = new Map<Value, number>();
  for (const value of present) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return { ...shared, distinct, frequent: distinct === 0 ? null : expect.anything(), most };
}

function expectNaive(
  rows: Rows,
  days: Awaited<ReturnType<Store["profile"]>>["days"],
  seed: number,
): void {
  const byDay = new Map<string, (readonly Value[])[]>();
  for (const row of rows.values()) {
    const time = row[TIME] as number | null;
    if (time === null) continue;
    const day = new Date(time / 1000).toISOString().slice(0, 10);
    byDay.set(day, [...(byDay.get(day) ?? []), row]);
  }
  expect(
    days.map(({ day, rows: count }) => [day, count]),
    `seed ${seed}`,
  ).toEqual([...byDay].map(([day, list]) => [day, list.length]).sort());
  for (const { day, columns } of days)
    columns.forEach((profile, c) => {
      const values = byDay.get(day)!.map((row) => row[c]!);
      const { most, ...expected } = naive(NAMES[c]!, values) as Partial<ColumnProfile> & {
        most?: number;
      };
      expect(profile, `seed ${seed}, ${day}`).toMatchObject(expected);
      if (most !== undefined && most > 0) expect(profile.frequent![0]!.rows).toBe(most);
    });
}

test.each(seeds)("profiles follow every change, seed %i", async (seed) => {
  const random = new Random(seed);
  const log = new Log(random);
  const data = memoryOfflineData();
  let fault: () => Fault = () => "none";
  const store = await open(memoryOfflineStore(data));
  const profiling = await open(faultyOffline(memoryOfflineStore(data), () => fault()));
  let counted = 0;
  let days = 0;
  for (let round = 0; round < 6; round++) {
    log.grow(random.pick([0, 1, 2, 5, 30]));
    const upTo = log.changes.slice();
    await store.run(changesOf(upTo));
    // a process that dies before or after a commit
    fault = () => (random.chance(0.2) ? random.pick(["before", "after"] as const) : "none");
    await profiling.profile({ source: orders }).catch(() => undefined);
    fault = () => "none";
    if (random.chance(0.3)) await store.compact();
    const report = await profiling.profile({ source: orders });
    counted += report.counted;
    days += report.days.length;
    expectNaive(log.rows, report.days, seed);

    const twin = await open(memoryOfflineStore());
    await twin.run(changesOf(upTo));
    const again = await twin.profile({ source: "orders" });
    expect(report.days, `seed ${seed}`).toEqual(again.days);
    expect(report.all, `seed ${seed}`).toEqual(again.all);
    expect(report.reference(), `seed ${seed}`).toEqual(again.reference());
    // nothing changed: nothing is read again
    expect((await profiling.profile({ source: orders })).counted).toBe(0);
  }
  expect(counted).toBeLessThanOrEqual(days);
});
