/**
 * The conformance suite of engines that run whole jobs, such as those of a cluster. Values,
 * statuses and event times are those of the local engine (law 3: one answer). The rows are the
 * entity rows, in their order (law 8: row for row).
 */
import assert from "node:assert/strict";
import { avg } from "../aggregate/avg.ts";
import { count } from "../aggregate/count.ts";
import { countDistinct } from "../aggregate/count-distinct.ts";
import { decayedSum } from "../aggregate/decayed-sum.ts";
import { first } from "../aggregate/first.ts";
import { histogram } from "../aggregate/histogram.ts";
import { last } from "../aggregate/last.ts";
import { lastN } from "../aggregate/last-n.ts";
import { latest } from "../aggregate/latest.ts";
import { max } from "../aggregate/max.ts";
import { median } from "../aggregate/median.ts";
import { min } from "../aggregate/min.ts";
import { sum } from "../aggregate/sum.ts";
import { variance } from "../aggregate/variance.ts";
import { collectDefinitions } from "../define/collect-definitions.ts";
import {
  boolean,
  bytes,
  date,
  decimal,
  float64,
  int32,
  int64,
  json,
  string,
  timestamp,
} from "../define/columns.ts";
import { enrichedSource } from "../define/enriched-source.ts";
import { entity } from "../define/entity.ts";
import { featureService } from "../define/feature-service.ts";
import { featureView } from "../define/feature-view.ts";
import { eq } from "../define/functions/comparison.ts";
import { commitTime, source } from "../define/source.ts";
import { micros } from "../define/time-input.ts";
import { lastRows } from "../define/windows.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import { localEngine } from "../engine/local-engine.ts";
import { isTidemarkError } from "../errors.ts";
import { openOfflineReader } from "../offline/offline-reader.ts";
import { keysNeeded } from "../request/entity-keys.ts";
import { entityRowsOf } from "../request/entity-rows.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { Value } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { openStore } from "../store/store.ts";
import { jobLog, type JobLog } from "./job-log.ts";

/** What an engine is asked for. */
export interface JobQuestion {
  /** The definitions, as a module exports them. */
  readonly definitions: Readonly<Record<string, unknown>>;
  /** The service "asked" of the definitions has the features. */
  readonly service: "asked";
  /** The entity rows, as `getHistoricalFeatures` takes them. */
  readonly entities: readonly Readonly<Record<string, unknown>>[];
  readonly knowledge: Knowledge;
}

/** An engine with an empty history. */
export interface JobEngineUnderTest {
  /** The history that the engine reads. */
  readonly offline: OfflineStore;
  /**
   * Computes a training set with statuses and event times. Returns the rows in the order of the
   * entity rows, by the names of the columns: `name`, `name__status` and `name__event_timestamp` of
   * each feature.
   */
  compute(question: JobQuestion): Promise<readonly ReadonlyMap<string, Value>[]>;
  close(): Promise<void>;
}

/** The time around which everything happens, µs. */
const NOON = Date.parse("2025-03-01T12:00:00Z") * 1000;
const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "payments",
  columns: {
    id: int64(),
    user_id: string().nullable(),
    amount: float64().nullable(),
    cents: int64().nullable(),
    price: decimal({ precision: 12, scale: 2 }).nullable(),
    city: string().nullable(),
    paid: boolean().nullable(),
    time: timestamp({ zone: "UTC" }).nullable(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

/** Texts that are hard to carry. */
const TEXTS: readonly string[] = [
  "ann",
  "Ann",
  "",
  " é\n\"'\\",
  "😀",
  "\u{e000}",
  "a\u0000b",
  "10",
  "9",
];

/** Payments of some users, of which some are updated, moved, deleted and quarantined. */
function writePayments(log: JobLog): void {
  const row = (id: number, userId: string | null, at: number, amount: number | null) => ({
    id: BigInt(id),
    user_id: userId,
    amount,
    cents: BigInt(id) * 2n ** 50n,
    price: BigInt(id) * 101n - 500n,
    city: TEXTS[id % TEXTS.length]!,
    paid: id % 3 === 0 ? null : id % 3 === 1,
    time: at,
  });
  const amounts = [1e16, 1, -1e16, 0.1, -0, null, 2 ** -60, 1e300];
  let id = 0;
  for (let round = 0; round < 6; round++)
    for (const userId of TEXTS) {
      const at = NOON - round * 31 * HOUR - id * SECOND;
      log.put("payments", at + SECOND, row(++id, userId, at, amounts[id % amounts.length]!));
    }
  const day = NOON + DAY;
  log.put("payments", day, row(1, "ann", NOON - 2 * HOUR, 5));
  log.put("payments", day + 1, row(2, "ann", NOON - HOUR, 7));
  log.put("payments", day + 2, row(3, "Ann", NOON + HOUR, null));
  log.remove("payments", day + 3, { id: 4n });
  log.put("payments", day + 4, row(5, null, NOON, 1));
  log.put("payments", day + 5, { ...row(6, "10", NOON, 1), time: null });
  log.remove("payments", day + 6, { id: 7n });
  log.put("payments", day + 7, row(7, "9", NOON - 3 * HOUR, 3));
}

/** Every user at some times, in an order that no engine has, with duplicates. */
const rowsOfUsers: readonly Readonly<Record<string, unknown>>[] = [
  NOON + 2 * DAY,
  NOON,
  NOON - 7 * DAY,
  NOON + 1,
  NOON + 9 * DAY,
  NOON,
].flatMap((at, i) =>
  [...TEXTS.slice(i), ...TEXTS.slice(0, i), "nobody"].map((user_id) => ({
    user_id,
    event_timestamp: micros(at),
  })),
);

/**
 * Declares the conformance tests of an engine that runs whole jobs, under any test runner. An
 * engine that cannot compute a case refuses it with `ENGINE_CANNOT`.
 *
 * @example
 * function holdToSuite(make: () => Promise<JobEngineUnderTest>): void {
 *   jobEngineConformance({ test, make });
 * }
 */
export function jobEngineConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an engine with an empty history, for one test. */
  readonly make: () => Promise<JobEngineUnderTest>;
}): void {
  function check(
    name: string,
    /** The service of the features. */
    asked: unknown,
    {
      write,
      entities,
      expected,
    }: {
      readonly write: (log: JobLog) => void;
      readonly entities: JobQuestion["entities"];
      /** Some answers that are known without any engine: row, name, knowledge and value. */
      readonly expected?: readonly (readonly [number, string, Knowledge, Value])[];
    },
  ): void {
    options.test(name, async () => {
      const definitions = { asked };
      const engine = await options.make();
      try {
        const { sources } = collectDefinitions(definitions);
        const log = jobLog(sources);
        write(log);
        const store = await openStore({ definitions, offline: engine.offline });
        await store.run(log.changes());
        for (const knowledge of ["as-corrected", "as-known"] as const) {
          const question = { definitions, service: "asked", entities, knowledge } as const;
          const answers = await localAnswers(engine.offline, question);
          for (const [row, feature, of, value] of expected ?? [])
            if (of === knowledge)
              assert.deepEqual(answers[row]!.get(feature), value, `row ${row}: ${feature}, ${of}`);
          let computed;
          try {
            computed = await engine.compute(question);
          } catch (error) {
            if (isTidemarkError(error, "ENGINE_CANNOT")) continue;
            throw error;
          }
          assert.equal(computed.length, entities.length, knowledge);
          answers.forEach((answer, row) => {
            for (const [column, value] of answer)
              assert.deepEqual(
                comparable(computed[row]!.get(column)),
                comparable(value),
                `row ${row}: ${column}, ${knowledge}`,
              );
          });
        }
      } finally {
        await engine.close();
      }
    });
  }

  const { amount, cents, price, city, paid } = payments;
  const windows = featureView("windows", {
    entity: user,
    source: payments,
    features: {
      number: count().over("2d"),
      total: sum(amount).over("2d"),
      mean: avg(amount).over("2d"),
      least: min(amount).over("2d"),
      most: max(city).over("2d"),
      cents: sum(cents).over("9d"),
      price: sum(price).over("9d"),
      cities: countDistinct(city).over("9d"),
      paid_9d: count().where(eq(paid, true)).over("9d"),
      first: first(city).over("9d"),
      last: last(paid).over("9d"),
      recent: lastN(amount, 3).over("9d"),
      middle: median(amount).over("9d"),
      spread: variance(amount, "sample").over("9d"),
      decayed: decayedSum(cents, { halfLife: "1d" }).over("9d"),
      shape: histogram(city).over("9d"),
      byCity: count().by(city).over("9d"),
      ofThree: sum(cents).over(lastRows(3)),
    },
  });
  check(
    "windows, of rows that are updated, moved, deleted and quarantined",
    featureService("asked", [windows]),
    { write: writePayments, entities: rowsOfUsers },
  );

  const edges = featureView("edges", {
    entity: user,
    source: payments,
    features: { number: count().over("1d"), total: sum(amount).over("1d") },
  });
  check(
    "a window of w at t holds t − w and t − 1 µs, and not t (law 1)",
    featureService("asked", [edges]),
    {
      write(log) {
        log.put("payments", NOON + 1, { id: 1n, user_id: "ann", amount: 1, time: NOON });
        // the update is known later
        log.put("payments", NOON + HOUR, { id: 1n, user_id: "ann", amount: 2, time: NOON });
      },
      entities: [NOON + DAY, NOON, NOON + DAY + 1, NOON + 1, NOON + 2, NOON + HOUR + 1].map(
        (at) => ({ user_id: "ann", event_timestamp: micros(at) }),
      ),
      expected: [
        [0, "number", "as-corrected", 1n],
        [1, "number", "as-corrected", 0n],
        [2, "number", "as-corrected", 0n],
        [3, "number", "as-corrected", 1n],
        [3, "total", "as-corrected", 2],
        [3, "number", "as-known", 0n],
        [4, "total", "as-known", 1],
        [5, "total", "as-known", 2],
        [2, "number__status", "as-known", "NOT_FOUND"],
        [5, "total__event_timestamp", "as-known", NOON],
      ],
    },
  );

  const facts = featureView("facts", {
    entity: user,
    source: payments,
    ttl: "2d",
    features: { amount: latest(amount), city: latest(city), paid: latest(paid) },
  });
  check("the newest row within the maximum age (law 2)", featureService("asked", [facts]), {
    write: writePayments,
    entities: rowsOfUsers,
  });

  const customers = source("customers", {
    table: "customers",
    columns: { user_id: string(), level: string().nullable(), limit: int32().nullable() },
    primaryKey: ["user_id"],
    eventTime: commitTime(),
  });
  const enriched = enrichedSource("enriched", {
    from: payments,
    with: customers,
    on: { user_id: payments.user_id },
    columns: { level: customers.level },
  });
  const profile = featureView("profile", {
    entity: user,
    source: customers,
    features: { level: latest(customers.level), limit: latest(customers.limit) },
  });
  const levels = featureView("levels", {
    entity: user,
    source: enriched,
    features: {
      gold: count().where(eq(enriched.level, "gold")).over("9d"),
      byLevel: sum(enriched.cents).by(enriched.level).over("9d"),
    },
  });
  const writeCustomers = (log: JobLog): void => {
    writePayments(log);
    for (const [i, user_id] of TEXTS.entries()) {
      const at = NOON - 5 * DAY + i * HOUR;
      log.put("customers", at, { user_id, level: "silver", limit: i });
      if (i % 2 === 0) log.put("customers", at + 3 * DAY, { user_id, level: "gold", limit: null });
      if (i % 3 === 0) log.remove("customers", at + 4 * DAY, { user_id });
    }
  };
  check("a dimension, whose versions are facts (law 2)", featureService("asked", [profile]), {
    write: writeCustomers,
    entities: rowsOfUsers,
  });
  check("rows with columns of a dimension", featureService("asked", [levels]), {
    write: writeCustomers,
    entities: rowsOfUsers,
  });
  check(
    "views of several entities and tables in one job",
    featureService("asked", [windows, facts, profile]),
    { write: writeCustomers, entities: rowsOfUsers },
  );

  const card = entity("card", { keys: { bank: string(), number: int64(), kind: int32() } });
  const uses = source("uses", {
    table: "uses",
    columns: {
      id: string(),
      bank: string(),
      number: int64(),
      kind: int32(),
      amount: float64(),
      time: timestamp({ zone: "UTC" }),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const cards = featureView("cards", {
    entity: card,
    source: uses,
    features: { number_1d: count().over("1d"), newest: lastN(uses.amount, 2).over("9d") },
  });
  const cardKeys = ["", "b", "b1", "é"].flatMap((bank) =>
    [0n, -1n, 1n, 11n, 2n ** 63n - 1n].flatMap((number) =>
      [1, -(2 ** 31)].map((kind) => ({ bank, number, kind })),
    ),
  );
  check("composite keys", featureService("asked", [cards]), {
    write(log) {
      for (const [i, key] of cardKeys.entries())
        for (let n = 0; n < i % 4; n++)
          log.put("uses", NOON + i, {
            ...key,
            id: `${i}/${n}`,
            amount: i + n / 10,
            time: NOON - i * HOUR - n,
          });
    },
    entities: [NOON, NOON - DAY].flatMap((at) =>
      [...cardKeys.toReversed(), { bank: "1", number: 1n, kind: 1 }].map((key) => ({
        ...key,
        event_timestamp: micros(at),
      })),
    ),
  });

  const item = entity("item", { keys: { day: date(), part: bytes() } });
  const items = source("items", {
    table: "items",
    columns: {
      id: int32(),
      day: date(),
      part: bytes(),
      text: string().nullable(),
      flag: boolean().nullable(),
      short: int32().nullable(),
      long: int64().nullable(),
      real: float64().nullable(),
      exact: decimal({ precision: 38, scale: 3 }).nullable(),
      at: timestamp({ zone: "UTC" }).nullable(),
      on: date().nullable(),
      raw: bytes().nullable(),
      doc: json().nullable(),
      time: timestamp({ zone: "UTC" }),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const { text, flag, short, long, real, exact, at: instant, on, raw, doc } = items;
  const newest = featureView("newest", {
    entity: item,
    source: items,
    features: {
      text: latest(text),
      flag: latest(flag),
      short: latest(short),
      long: latest(long),
      real: latest(real),
      exact: latest(exact),
      at: latest(instant),
      on: latest(on),
      raw: latest(raw),
      doc: latest(doc),
    },
  });
  const itemKeys = [Uint8Array.of(), Uint8Array.of(0, 255), Uint8Array.of(1)].flatMap((part) =>
    [-1, 0, 20_000].map((day) => ({ day, part })),
  );
  const greatest = 10n ** 38n - 1n;
  check("every type, with its extremes and with nulls", featureService("asked", [newest]), {
    write(log) {
      for (const [i, key] of itemKeys.entries()) {
        const isLeast = i % 3 === 0;
        log.put("items", NOON + i, {
          ...key,
          id: i,
          time: NOON - i,
          ...(i % 3 === 2
            ? {}
            : {
                text: TEXTS[i]!,
                flag: isLeast,
                short: isLeast ? -(2 ** 31) : 2 ** 31 - 1,
                long: isLeast ? -(2n ** 63n) : 2n ** 63n - 1n,
                real: isLeast ? Number.MIN_VALUE : -Number.MAX_VALUE,
                exact: isLeast ? -greatest : greatest,
                at: isLeast ? -(2 ** 53) + 1 : 2 ** 53 - 1,
                on: isLeast ? -700_000 : 2_900_000,
                raw: Uint8Array.of(i, 0, 255),
                doc: isLeast ? '{"a":[1,null,"é"]}' : "9223372036854775807",
              }),
        });
      }
    },
    entities: [...itemKeys, { day: 3, part: Uint8Array.of(3) }].map(({ day, part }) => ({
      day: new Date(day * 86_400_000).toISOString().slice(0, 10),
      part,
      event_timestamp: micros(NOON + DAY),
    })),
  });

  check("a source without history", featureService("asked", [windows]), {
    write: () => undefined,
    entities: rowsOfUsers.slice(0, 3),
  });
}

/** The answers of the local engine, in the form of an engine under test. */
async function localAnswers(
  offline: OfflineStore,
  { definitions, service, entities, knowledge }: JobQuestion,
): Promise<readonly ReadonlyMap<string, Value>[]> {
  const { services } = collectDefinitions(definitions);
  const selection = services.get(service)!.features;
  const source = await entityRowsOf(entities, keysNeeded(selection), selection.length);
  const rows: Map<string, Value>[] = [];
  const reader = openOfflineReader(offline, localEngine());
  for await (const { keys, times, length } of source.blocks()) {
    const question = { selection, keys, times, knowledge, since: null };
    const answers = resultsOf(await reader.read(question));
    for (let i = 0; i < length; i++)
      rows.push(
        new Map(
          selection.flatMap(({ as }, f): [string, Value][] => {
            const { values, statuses, times: eventTimes } = answers[f]!;
            const time = eventTimes[i]!;
            return [
              [as, values[i]!],
              [`${as}__status`, statuses[i]!],
              [`${as}__event_timestamp`, Number.isNaN(time) ? null : time],
            ];
          }),
        ),
      );
  }
  return rows;
}

/** A value whose bits are compared: −0 is not 0, and a view of bytes is its bytes. */
function comparable(value: Value | undefined): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return (value as readonly Value[]).map(comparable);
  return Object.is(value, -0) ? "−0" : value;
}
