/**
 * Runs the demo without a server: a recorded change log feeds an online store and a history, and
 * both answer the same features.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { DAY, type BankSettings } from "./bank.ts";
import { writeChangeLog } from "./change-log.ts";
import { compare } from "./compare.ts";
import { bytesBelow } from "./disk.ts";
import { explainDifference } from "./explain.ts";
import * as definitions from "./features.ts";
import { customer360 } from "./features.ts";
import { someLabels } from "./labels.ts";
import { integer, megabytes } from "./print.ts";
import { progressBar, type Output } from "./progress.ts";
import {
  FEATURES,
  listQuarantine,
  printDifferences,
  readOnline,
  someUsers,
  compareOnlineWithHistory,
} from "./shared-steps.ts";
import { stepPrinter } from "./steps.ts";

/** June 2025 at a bank of 500 users. */
export const JUNE: BankSettings = {
  seed: 66,
  users: 500,
  transactionsPerDay: 5_000,
  days: 30,
  start: new Date("2025-06-01T00:00:00Z"),
  invalidEvery: 20_000,
};

export interface DemoOptions {
  readonly bank: BankSettings;
  /** The directory of the demo, which is made anew. */
  readonly directory: string;
  readonly labels: number;
  readonly output: Output;
  readonly signal?: AbortSignal | undefined;
}

export interface DemoResult {
  readonly compared: number;
  readonly differing: number;
}

export async function demo({
  bank,
  directory,
  labels: labelCount,
  output,
  signal,
}: DemoOptions): Promise<DemoResult> {
  const end = new Date(bank.start.getTime() + bank.days * DAY);
  const print = stepPrinter(output);
  print.line(
    `Tidemark demo: ${integer(bank.users)} users, ` +
      `${integer(bank.transactionsPerDay)} transactions a day, ` +
      `${bank.days} days from ${bank.start.toISOString().slice(0, 10)} (seed ${bank.seed})`,
  );
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });

  // 1. The change log of the bank's database, as Debezium would have written it to Kafka.
  const writing = print.step("The bank's change log, as Debezium writes it");
  const log = await writeChangeLog(bank, join(directory, "topics"), { signal });
  writing.done(
    log.messages,
    "messages",
    `${megabytes(log.bytes)} of JSON, ` +
      `${megabytes(await bytesBelow(join(directory, "topics")))} gzipped`,
  );

  // 2. One run feeds both stores. The clock stands at the end of the month and retention is
  //    unlimited, so every moment of the month can be queried.
  const store = await openStore({
    definitions,
    online: { store: sqliteOnlineStore(join(directory, "online.db")), retention: "forever" },
    offline: deltaOfflineStore(localObjects(join(directory, "lake"))),
    clock: () => end,
  });
  let checked: DemoResult;
  try {
    const streaming = print.step("Into the online store (SQLite) and the history (Delta)");
    const bar = progressBar(output, log.messages, "messages");
    const { changes } = await store
      .run(recordedTopic(log.files, { batchChanges: 5_000 }), {
        signal,
        onProgress: ({ changes }) => bar.at(changes),
      })
      .finally(() => bar.end());
    streaming.done(changes, "changes", "each in both stores");

    // 3. The features of some users now, read from the online store.
    await readOnline(print, store, "Online features at the end of the month", bank.users);

    // 4. A training set, twice: as corrected, and as known at each label's time.
    const labels = someLabels(bank, labelCount);
    const training = print.step("A training set from the history, as known and as corrected");
    const asKnown = await (
      await store.getHistoricalFeatures({
        features: customer360,
        entities: labels,
        knowledge: "as-known",
        signal,
      })
    ).rows();
    const asCorrected = await (
      await store.getHistoricalFeatures({ features: customer360, entities: labels, signal })
    ).rows();
    training.done(
      2 * labels.length,
      "rows",
      `${integer(labels.length)} labels with ${FEATURES.length} features each`,
    );
    const difference = compare(FEATURES, asKnown, asCorrected);
    printDifferences(
      print,
      difference,
      "between the two: corrections, deletes and late arrivals that came after the label's time.",
    );
    const example = explainDifference(bank, labels, difference.differences);
    if (example !== null) print.line(`For example ${example}`);

    // 5. The same questions to the online store and to the history.
    const moments = Array.from(
      { length: 20 },
      (_, i) =>
        new Date(bank.start.getTime() + 8 * DAY + Math.floor((i * (bank.days - 8) * DAY) / 20)),
    );
    const check = await compareOnlineWithHistory(print, store, {
      users: someUsers(bank.users, 100),
      moments,
      signal,
    });
    checked = { compared: check.compared, differing: check.differences.length };

    // 6. The rows that could not be read.
    await listQuarantine(print, store);
  } finally {
    await store.close();
  }

  print.step("On disk");
  print.table([
    {
      what: "change log, gzipped JSON",
      size: megabytes(await bytesBelow(join(directory, "topics"))),
    },
    { what: "online store, SQLite", size: megabytes(await bytesBelow(directory, "online.db")) },
    { what: "history, Delta tables", size: megabytes(await bytesBelow(join(directory, "lake"))) },
  ]);
  return checked;
}
