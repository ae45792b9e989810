/** The banking flow: a database's change log into an online store and a history, and the same features asked of both. `npm run demo` runs it. */
import { mkdir, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore, type RowOf } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { DAY, type BankSettings } from "./bank.ts";
import { writeChangeLog } from "./change-log.ts";
import { compare } from "./compare.ts";
import { userId } from "./customers.ts";
import { bytesBelow } from "./disk.ts";
import { explainDifference } from "./explain.ts";
import * as definitions from "./features.ts";
import { customer360, profile, weekly } from "./features.ts";
import { someLabels } from "./labels.ts";
import { integer, megabytes } from "./print.ts";
import { progressBar, type Output } from "./progress.ts";
import { stepPrinter } from "./steps.ts";

/** June 2025 at a bank of 500 users. */
export const JUNE: BankSettings = { seed: 66, users: 500, transactionsPerDay: 5_000, days: 30, start: new Date("2025-06-01T00:00:00Z"), oddEvery: 20_000 };

export interface DemoOptions {
  readonly bank: BankSettings;
  /** Made anew. */
  readonly directory: string;
  readonly labels: number;
  readonly output: Output;
  readonly signal?: AbortSignal | undefined;
}

export interface DemoResult {
  readonly compared: number;
  readonly differing: number;
}

export async function demo({ bank, directory, labels: labelCount, output, signal }: DemoOptions): Promise<DemoResult> {
  const end = new Date(bank.start.getTime() + bank.days * DAY);
  const print = stepPrinter(output);
  print.line(`Tidemark demo: ${integer(bank.users)} users, ${integer(bank.transactionsPerDay)} transactions a day, ${bank.days} days from ${bank.start.toISOString().slice(0, 10)} (seed ${bank.seed})`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });

  // 1. The change log of the bank's database, as Debezium would have written it to Kafka.
  const writing = print.step("The bank's change log, as Debezium writes it");
  const log = await writeChangeLog(bank, join(directory, "topics"), { signal });
  writing.done(log.messages, "messages", `${megabytes(log.bytes)} of JSON, ${megabytes(await bytesBelow(join(directory, "topics")))} gzipped`);

  // 2. One run feeds both stores. The clock stands at the end of the month, and nothing is let go, so that any moment of it can be asked for.
  const store = await openStore({
    definitions,
    online: sqliteOnlineStore(join(directory, "online.db")),
    offline: deltaOfflineStore(localObjects(join(directory, "lake"))),
    clock: () => end,
    retain: "forever",
  });
  let checked: DemoResult;
  try {
    const streaming = print.step("Into the online store (SQLite) and the history (Delta)");
    const bar = progressBar(output, log.messages, "messages");
    const { changes } = await store.run(recordedTopic(log.files, { batchChanges: 5_000 }), { signal, onProgress: ({ changes }) => bar.at(changes) }).finally(() => bar.end());
    streaming.done(changes, "changes", "each in both stores");

    // 3. The features of some users now, read from the online store.
    const reading = print.step("Online features at the end of the month");
    const users = [0, SILENT, 120, 250, 380, 480].filter((index) => index < bank.users).map((index) => ({ user_id: userId(index) }));
    const online = await store.getOnlineFeatures({ features: customer360, entities: users });
    reading.done(users.length * FEATURES.length, "values", `as of ${online.asOf}`);
    print.table(online.map((row, i) => ({ ...users[i]!, ...pick(row, WEEKLY) })));
    print.line();
    print.table(online.map((row, i) => ({ ...users[i]!, ...pick(row, PROFILE) })));
    // One who has fallen silent and one who was never seen have answers too, and each says what stands behind it.
    const ids = [userId(SILENT), "user_999999"] as const;
    const [silent, unknown] = await store.getOnlineFeatures({ features: customer360, entities: [{ user_id: ids[0] }, { user_id: ids[1] }], metadata: true });
    print.line();
    print.table((["num_transactions_l1w", "avg_amount_l1w", "segment"] as const).map((feature) => ({
      feature, [ids[0]]: silent[feature].value, "its status": silent[feature].status, [ids[1]]: unknown[feature].value, "and its status": unknown[feature].status,
    })));

    // 4. A training set, twice: with all that is known today, and with what was known at each label's time.
    const labels = someLabels(bank, labelCount);
    const training = print.step("A training set from the history, as known and as corrected");
    const asKnown = await (await store.getHistoricalFeatures({ features: customer360, entities: labels, asKnown: true, signal })).rows();
    const asCorrected = await (await store.getHistoricalFeatures({ features: customer360, entities: labels, signal })).rows();
    training.done(2 * labels.length, "rows", `${integer(labels.length)} labels with ${FEATURES.length} features each`);
    const { compared, differences } = compare(FEATURES, asKnown, asCorrected);
    print.line(`${integer(differences.length)} of ${integer(compared)} values differ between the two: corrections, deletes and late arrivals that came after the label's time.`);
    print.table(FEATURES.map((feature) => ({ feature, differ: differences.filter((one) => one.feature === feature).length })).filter(({ differ }) => differ > 0));
    const example = explainDifference(bank, labels, differences);
    if (example !== null) print.line(`For example ${example}`);

    // 5. The same questions to the online store and to the history: value, status and event time must be the same to the bit.
    const moments = Array.from({ length: 20 }, (_, i) => new Date(bank.start.getTime() + 8 * DAY + Math.floor((i * (bank.days - 8) * DAY) / 20)));
    const asked = Array.from({ length: Math.min(100, bank.users) }, (_, i) => ({ user_id: userId(Math.floor((i * bank.users) / Math.min(100, bank.users))) }));
    const checking = print.step("Stream against history");
    const fromStream: object[] = [];
    for (const asOf of moments) {
      signal?.throwIfAborted();
      fromStream.push(...(await store.getOnlineFeatures({ features: customer360, entities: asked, asOf, metadata: true })));
    }
    const questions = moments.flatMap((moment) => asked.map((one) => ({ ...one, event_timestamp: moment })));
    const fromHistory = await (await store.getHistoricalFeatures({ features: customer360, entities: questions, metadata: true, signal })).rows();
    const check = compare(FEATURES, fromStream, fromHistory);
    checking.done(check.compared, "values", `${asked.length} users at ${moments.length} moments, online and from history`);
    print.line(`${integer(check.compared)} values compared, ${integer(check.differences.length)} differ`);
    for (const { row, feature, left, right } of check.differences.slice(0, 5)) {
      print.line(`  ${feature} of ${questions[row]!.user_id} at ${questions[row]!.event_timestamp.toISOString()}: online ${JSON.stringify(left)}, history ${JSON.stringify(right)}`);
    }

    // 6. Rows that no window can hold are neither lost nor guessed at: they are listed by name.
    print.step("Quarantined rows");
    for (const { source, online: counts } of await store.status()) {
      print.line(`${source}: ${integer(counts?.quarantinedChanges ?? 0)} changes were quarantined, ${integer(counts?.quarantinedRows ?? 0)} rows still are`);
    }
    const quarantined = await store.quarantine("transactions");
    if (quarantined.length > 0) print.table(quarantined.map(({ key, topic, offset, column, reason, committed }) => ({ id: String(key["id"]), topic, offset: String(offset), column, reason, committed: new Date(committed) })));

    checked = { compared: check.compared, differing: check.differences.length };
  } finally {
    await store.close();
  }

  print.step("On disk");
  print.table([
    { what: "change log, gzipped JSON", size: megabytes(await bytesBelow(join(directory, "topics"))) },
    { what: "online store, SQLite", size: megabytes(await bytesBelow(directory, "online.db")) },
    { what: "history, Delta tables", size: megabytes(await bytesBelow(join(directory, "lake"))) },
  ]);
  return checked;
}

/** A user without a transaction in the second half of the month. */
const SILENT = 49;
const WEEKLY = Object.keys(weekly) as (keyof RowOf<typeof weekly>)[];
const PROFILE = Object.keys(profile) as (keyof RowOf<typeof profile>)[];
const FEATURES: readonly string[] = [...WEEKLY, ...PROFILE];

function pick<T extends object>(row: T, names: readonly (keyof T & string)[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

async function main(): Promise<number> {
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  process.once("SIGTERM", () => abort.abort());
  const directory = resolve(".tidemark", "demo");
  const started = performance.now();
  try {
    const { differing } = await demo({ bank: JUNE, directory, labels: 10_000, output: process.stdout, signal: abort.signal });
    console.log(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s. The files lie in ${relative(".", directory)}.`);
    console.log("Next: README.md tells how to do this with your own tables; packages/demo-pipeline/src/features.ts is what you would write; docs/ says why it can be trusted.");
    return differing === 0 ? 0 : 1;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    console.log("\nStopped; the next run begins anew.");
    return 130;
  }
}

if (import.meta.main) process.exitCode = await main();
