/** The steps that both demos share: questions to a store that has taken the bank's changes. */
import type { RowOf, Store } from "@tidemark/core";
import { compare, type Comparison } from "./compare.ts";
import { userId } from "./customers.ts";
import { customer360, profile, weekly } from "./features.ts";
import { integer } from "./print.ts";
import type { StepPrinter } from "./steps.ts";

export interface User {
  readonly user_id: string;
}

/** A user without a transaction in the second half of the month. */
const SILENT_USER = 49;
const WEEKLY = Object.keys(weekly) as (keyof RowOf<typeof weekly>)[];
const PROFILE = Object.keys(profile) as (keyof RowOf<typeof profile>)[];
export const FEATURES: readonly string[] = [...WEEKLY, ...PROFILE];

/** Returns some of the bank's users, evenly spread. */
export function someUsers(users: number, many: number): User[] {
  const count = Math.min(many, users);
  return Array.from({ length: count }, (_, i) => ({
    user_id: userId(Math.floor((i * users) / count)),
  }));
}

/** Reads the features of some users now from the online store. */
export async function readOnline(
  print: StepPrinter,
  store: Store,
  title: string,
  users: number,
): Promise<void> {
  const reading = print.step(title);
  const asked = [0, SILENT_USER, 120, 250, 380, 480]
    .filter((index) => index < users)
    .map((index) => ({ user_id: userId(index) }));
  const online = await store.getOnlineFeatures({
    features: customer360,
    entities: asked,
    metadata: true,
  });
  reading.done(asked.length * FEATURES.length, "values", `as of ${online.asOf}`);
  print.table(online.rows.map((row, i) => ({ ...asked[i]!, ...valuesOf(row, WEEKLY) })));
  print.line();
  print.table(online.rows.map((row, i) => ({ ...asked[i]!, ...valuesOf(row, PROFILE) })));
  // A user who stopped and a user who was never seen have answers too, and the status tells why.
  const ids = [userId(SILENT_USER), "user_999999"] as const;
  const {
    rows: [silent, unknown],
  } = await store.getOnlineFeatures({
    features: customer360,
    entities: [{ user_id: ids[0] }, { user_id: ids[1] }],
    metadata: true,
  });
  print.line();
  print.table(
    (["num_transactions_l1w", "avg_amount_l1w", "segment"] as const).map((feature) => ({
      feature,
      [ids[0]]: silent[feature].value,
      "its status": silent[feature].status,
      [ids[1]]: unknown[feature].value,
      "and its status": unknown[feature].status,
    })),
  );
}

/** Prints where two answers to the same questions differ, by feature. */
export function printDifferences(
  print: StepPrinter,
  { compared, differences }: Comparison,
  why: string,
): void {
  print.line(`${integer(differences.length)} of ${integer(compared)} values differ ${why}`);
  print.table(
    FEATURES.map((feature) => ({
      feature,
      differ: differences.filter((one) => one.feature === feature).length,
    })).filter(({ differ }) => differ > 0),
  );
}

/**
 * Asks the online store and the history the same questions. Value, status and event time must be
 * equal to the bit.
 */
export async function compareOnlineWithHistory(
  print: StepPrinter,
  store: Store,
  {
    users,
    moments,
    signal,
  }: {
    readonly users: readonly User[];
    readonly moments: readonly Date[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Comparison> {
  const checking = print.step("Stream against history");
  const fromStream: object[] = [];
  for (const asOf of moments) {
    signal?.throwIfAborted();
    const { rows } = await store.getOnlineFeatures({
      features: customer360,
      entities: users,
      asOf,
      metadata: true,
    });
    fromStream.push(...rows);
  }
  const questions = moments.flatMap((moment) =>
    users.map((one) => ({ ...one, event_timestamp: moment })),
  );
  const fromHistory = await (
    await store.getHistoricalFeatures({
      features: customer360,
      entities: questions,
      metadata: true,
      signal,
    })
  ).rows();
  const check = compare(FEATURES, fromStream, fromHistory);
  checking.done(
    check.compared,
    "values",
    `${users.length} users at ${moments.length} moments, online and from history`,
  );
  print.line(
    `${integer(check.compared)} values compared, ${integer(check.differences.length)} differ`,
  );
  for (const { row, feature, left, right } of check.differences.slice(0, 5)) {
    print.line(
      `  ${feature} of ${questions[row]!.user_id} ` +
        `at ${questions[row]!.event_timestamp.toISOString()}: online ${JSON.stringify(left)}, ` +
        `history ${JSON.stringify(right)}`,
    );
  }
  return check;
}

/** Lists the rows that no window can hold. They are neither lost nor guessed. */
export async function listQuarantine(print: StepPrinter, store: Store): Promise<void> {
  print.step("Quarantined rows");
  for (const { source, online: counts } of await store.status()) {
    print.line(
      `${source}: ${integer(counts?.quarantinedChanges ?? 0)} changes were quarantined, ` +
        `${integer(counts?.quarantinedRows ?? 0)} rows still are`,
    );
  }
  const quarantined = await store.quarantine("transactions");
  if (quarantined.length > 0)
    print.table(
      quarantined.map(({ key, topic, offset, column, reason, committed }) => ({
        id: String(key["id"]),
        topic,
        offset: String(offset),
        column,
        reason,
        committed: new Date(committed),
      })),
    );
}

/** The values of some features, out of a row with metadata. */
export function valuesOf(row: object, names: readonly string[]): Record<string, unknown> {
  const answers = row as Readonly<Record<string, { readonly value: unknown }>>;
  return Object.fromEntries(names.map((name) => [name, answers[name]!.value]));
}
