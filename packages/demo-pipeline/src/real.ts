/**
 * Runs the banking flow on the real programs: PostgreSQL → Debezium → Kafka → SQLite and Delta on
 * MinIO. At the end all stores are asked the same.
 */
import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore, type Store } from "@tidemark/core";
import { deltaOfflineStore, type DeltaOfflineStore } from "@tidemark/delta";
import type { PipelineAddresses } from "@tidemark/testkit/services";
import { kafkaChanges } from "@tidemark/source-debezium";
import { compare } from "./compare.ts";
import { DAY, type BankConfig } from "./bank-events.ts";
import { createDemoResources, type DemoResources } from "./demo-resources.ts";
import { demoServices, type DemoServices } from "./demo-services.ts";
import { bytesBelow } from "./disk.ts";
import * as features from "./features.ts";
import { customer360 } from "./features.ts";
import * as rowLookup from "./row-lookup.ts";
import { liveDays, type Served } from "./live-days.ts";
import { liveRun } from "./live-run.ts";
import { createBank, writeCustomers, writeDay } from "./postgres-bank.ts";
import { checkRows, checkWeekly, userQuestions, type CheckResult } from "./postgres-check.ts";
import { POSTGRES_PAYMENTS } from "./postgres-rows.ts";
import { integer, megabytes } from "./print.ts";
import { progressBar, type Output } from "./progress.ts";
import {
  FEATURES,
  listQuarantine,
  printDifferences,
  readOnline,
  someUsers,
  compareOnlineWithHistory,
  valuesOf,
} from "./shared-steps.ts";
import { checkBySql, checkVendorsBySql } from "./sql-check.ts";
import { stepPrinter, type StepPrinter } from "./steps.ts";
import {
  queryDemo,
  readInTrino,
  TRINO_PAYMENTS,
  TRINO_VERSIONS,
  type TrinoReading,
} from "./trino-check.ts";

export { ServicesMissing } from "./demo-services.ts";

export interface RealBank extends BankConfig {
  /** The number of days up to today. */
  readonly days: number;
  /** The number of last days that are written while the stream runs. */
  readonly live: number;
}

/** The last fortnight at a bank of 300 users. */
export const FORTNIGHT: RealBank = {
  seed: 66,
  users: 300,
  transactionsPerDay: 2_000,
  invalidEvery: 6_000,
  days: 14,
  live: 4,
};

export interface RealDemoOptions {
  readonly bank: RealBank;
  /** Running services, in which a database, a bucket and topics called tidemark-demo are used. */
  readonly against?: "compose" | PipelineAddresses | undefined;
  /** The directory of the online store, which is made anew. */
  readonly directory: string;
  readonly output: Output;
  readonly signal?: AbortSignal | undefined;
}

export interface RealDemoResult {
  /** The number of rows of PostgreSQL's tables at the end. */
  readonly rows: number;
  /** The numbers of compared values by the side compared with, and how many values differ. */
  readonly compared: {
    readonly served: number;
    readonly history: number;
    readonly rows: number;
    readonly weekly: number;
    readonly sql: number;
    readonly trino: number;
    readonly trinoSql: number;
    readonly vendors: number;
  };
  readonly differing: number;
}

export async function realDemo(options: RealDemoOptions): Promise<RealDemoResult> {
  const { bank, against, output, signal } = options;
  const print = stepPrinter(output);
  print.line(
    `Tidemark demo on the real programs: ${integer(bank.users)} users, ` +
      `${integer(bank.transactionsPerDay)} transactions a day, ` +
      `the last ${bank.days} days (seed ${bank.seed})`,
  );
  print.step(
    against === undefined
      ? "Services: PostgreSQL, Kafka, Kafka Connect with Debezium, MinIO, Trino"
      : `Services that run already${against === "compose" ? ": docker/compose.yaml" : ""}`,
  );
  const services = await demoServices({ against, print, signal });
  try {
    signal?.throwIfAborted();
    const resources = await createDemoResources(services, signal);
    try {
      return await runFlow({ ...options, services, resources, print });
    } finally {
      // owned services are stopped together, so nothing must be removed
      if (!services.owned) await resources.removeConnector();
      await resources.close();
    }
  } finally {
    await services.stop();
  }
}

interface DemoContext extends RealDemoOptions {
  readonly services: DemoServices;
  readonly resources: DemoResources;
  readonly print: StepPrinter;
}

async function runFlow(options: DemoContext): Promise<RealDemoResult> {
  const { bank, directory, output, signal, services, resources, print } = options;
  const { database, topics } = resources;
  const { brokers } = services.kafka;
  const dates = Array.from({ length: bank.days }, (_, i) =>
    new Date(Date.now() - (bank.days - 1 - i) * DAY).toISOString().slice(0, 10),
  );
  const daysBeforeSnapshot = dates.slice(0, -bank.live);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });

  // 2. The bank before the connector starts.
  const writing = print.step("The bank in PostgreSQL");
  await createBank(database);
  await writeCustomers(database, bank);
  for (const date of daysBeforeSnapshot) {
    signal?.throwIfAborted();
    await writeDay(database, bank, date);
  }
  const snapshotRows = await countRows(database);
  writing.done(
    snapshotRows,
    "rows",
    `transaction_data and customer_data up to ${daysBeforeSnapshot.at(-1)}; ` +
      "a day is written once, however often it is asked for",
  );

  // 3. Debezium's snapshot. The features of the row lookup (every column by primary key) are for
  //    the check at the end.
  const lake = deltaOfflineStore(resources.lake);
  const store = await openStore({
    definitions: { ...features, ...rowLookup },
    online: { store: sqliteOnlineStore(join(directory, "online.db")), retention: "forever" },
    offline: lake,
  });
  try {
    const registering = print.step(`The connector ${resources.name}`);
    await resources.connect(signal);
    registering.done(
      topics.length,
      "tables",
      "made or changed with one PUT, and watched until its task runs",
    );
    const streaming = print.step(
      "The snapshot, through Kafka, " +
        "into the online store (SQLite) and the history (Delta on MinIO)",
    );
    const run = await liveRun({
      store,
      brokers,
      topics,
      connector: { url: services.connect.url, name: resources.name },
      signal,
    });
    const bar = progressBar(output, snapshotRows, "messages");
    await run.waitUntilTaken(snapshotRows, bar).finally(() => bar.end());
    streaming.done(snapshotRows, "messages", "while Debezium took it");

    // 4. Days that are written while the stream runs, and the answers of requests.
    const served = await liveDays({
      ...options,
      database,
      run,
      store,
      dates: dates.slice(daysBeforeSnapshot.length),
      before: snapshotRows,
    });

    // 5. A runner may be stopped at any moment: the next one continues at the stores' positions.
    const again = print.step("The runner is stopped, and started again until it has caught up");
    await run.stop();
    const { changes } = await store.run(kafkaChanges({ brokers, topics, until: "caught-up" }), {
      signal,
    });
    again.done(
      changes,
      "messages",
      "read again for the history, which had not committed them yet; the online store had them",
    );

    return await verify({ ...options, store, lake, served });
  } finally {
    await store.close();
  }
}

/** Checks all answers after every change has arrived. */
async function verify(
  options: DemoContext & {
    readonly store: Store;
    readonly lake: DeltaOfflineStore;
    readonly served: Served;
  },
): Promise<RealDemoResult> {
  const {
    bank,
    directory,
    signal,
    services,
    resources: { database, location },
    store,
    lake,
    served,
    print,
  } = options;
  const now = Date.now();
  await readOnline(print, store, "Online features now", bank.users);

  // A training set as known has at each moment what a request was served then.
  const training = print.step(
    "A training set from the history, as known and as corrected, against what was served then",
  );
  const asKnown = await (
    await store.getHistoricalFeatures({
      features: customer360,
      entities: served.users,
      knowledge: "as-known",
      metadata: true,
      signal,
    })
  ).rows();
  const asCorrected = await (
    await store.getHistoricalFeatures({
      features: customer360,
      entities: served.users,
      metadata: true,
      signal,
    })
  ).rows();
  training.done(
    2 * served.users.length,
    "rows",
    `${integer(served.users.length)} labels with ${FEATURES.length} features each`,
  );
  const then = compare(FEATURES, served.answers, asKnown);
  print.line(
    `${integer(then.compared)} values served while the days came, ` +
      `${integer(then.differences.length)} differ from the training set as known`,
  );
  printDifferences(
    print,
    compare(
      FEATURES,
      asKnown.map((row) => valuesOf(row, FEATURES)),
      asCorrected.map((row) => valuesOf(row, FEATURES)),
    ),
    "between as known and as corrected: days, corrections and deletes that came after that moment.",
  );

  const moments = Array.from(
    { length: 20 },
    (_, i) => new Date(now - Math.floor((i * Math.max(2, bank.days - 8) * DAY) / 20)),
  );
  const users = someUsers(bank.users, 100);
  const check = await compareOnlineWithHistory(print, store, { users, moments, signal });

  const holding = print.step("PostgreSQL's tables, read by SQL, against both stores");
  const rows = await checkRows({ database, store, lake, asOf: new Date(now + 2 * DAY) });
  const questions = await userQuestions(database, users, moments.slice(0, 10));
  const edges = questions.filter(({ edge }) => edge);
  const fromRows = await checkWeekly({ store, questions, signal });
  const fromSql = await checkBySql({
    database: "PostgreSQL",
    payments: POSTGRES_PAYMENTS,
    query: async (text) => (await database.query<unknown[]>({ text, rowMode: "array" })).rows,
    store,
    questions,
    signal,
  });
  holding.done(
    rows.compared + fromRows.compared + fromSql.compared,
    "values",
    `every column of ${integer(rows.rows)} rows, and the features of ${users.length} users ` +
      `at 10 moments and at ${integer(edges.length)} edges of their windows`,
  );
  for (const [what, { compared, differences }] of [
    ["of rows", rows],
    ["of weekly features computed from PostgreSQL's rows", fromRows],
    ["of other features computed by PostgreSQL", fromSql],
  ] as const) {
    print.line(
      `${integer(compared)} values ${what} compared, ${integer(differences.length)} differ`,
    );
    for (const one of differences.slice(0, 5)) print.line(`  ${one}`);
  }

  const reading = print.step("The history's files, read by Trino");
  const { trino } = services;
  let readings: readonly TrinoReading[] = [];
  let fromTrino: CheckResult = { compared: 0, differences: [] };
  let vendors: CheckResult = fromTrino;
  if (trino === undefined) print.line("no Trino was started");
  else {
    readings = await readInTrino({ url: trino.url, location, database, signal });
    const asked = {
      database: "Trino",
      payments: TRINO_PAYMENTS,
      query: (sql: string) => queryDemo(trino.url, sql, signal),
      store,
      signal,
    };
    vendors = await checkVendorsBySql({
      ...asked,
      versions: TRINO_VERSIONS,
      moments: moments.slice(0, 10),
    });
    fromTrino = await checkBySql({ ...asked, questions: questions.filter((_, i) => i % 10 === 0) });
    reading.done(readings.length, "answers", "each beside PostgreSQL's own");
    print.table(readings);
    print.line(
      `${integer(fromTrino.compared + vendors.compared)} values of features computed by Trino ` +
        `compared, ${integer(fromTrino.differences.length + vendors.differences.length)} differ`,
    );
    for (const one of [...fromTrino.differences.slice(0, 5), ...vendors.differences.slice(0, 5)])
      print.line(`  ${one}`);
  }

  await listQuarantine(print, store);

  print.step("Where it lies");
  print.table([
    {
      what: "the bank",
      where: `database ${database.options.database ?? ""} in PostgreSQL`,
      now: services.owned ? "gone with the service" : "there until the next run",
    },
    {
      what: "history",
      where: location,
      now: services.owned ? "gone with the service" : "there until the next run",
    },
    {
      what: `online store, ${megabytes(await bytesBelow(directory, "online.db"))}`,
      where: relative(".", join(directory, "online.db")),
      now: "there until the next run",
    },
  ]);
  return {
    rows: rows.rows,
    compared: {
      served: then.compared,
      history: check.compared,
      rows: rows.compared,
      weekly: fromRows.compared,
      sql: fromSql.compared,
      trino: readings.length,
      trinoSql: fromTrino.compared,
      vendors: vendors.compared,
    },
    differing:
      [then, check, rows, fromRows, fromSql, fromTrino, vendors].reduce(
        (sum, one) => sum + one.differences.length,
        0,
      ) + readings.filter(({ postgres, trino }) => postgres !== trino).length,
  };
}

async function countRows(database: DemoResources["database"]): Promise<number> {
  const {
    rows: [counted],
  } = await database.query<{ n: string }>(
    "SELECT (SELECT count(*) FROM public.transaction_data) + (SELECT count(*) FROM " +
      "public.customer_data) AS n",
  );
  return Number(counted!.n);
}
