/** The steps that both demos share: questions to a store that has taken the bank's changes. */
import { toJson, type RowOf, type Store } from "@tidemark/core";
import { compare, type Comparison } from "./compare.ts";
import { userId } from "./customers.ts";
import {
  customer360,
  paymentCheck,
  paymentRisk,
  profile,
  spending,
  vendorCustomers,
  weekly,
} from "./features.ts";
import { integer } from "./print.ts";
import type { StepPrinter } from "./steps.ts";

export interface User {
  readonly user_id: string;
}

/** A user without a transaction in the second half of the month. */
const SILENT_USER = 49;
const WEEKLY = Object.keys(weekly) as (keyof RowOf<typeof weekly>)[];
const SPENDING = Object.keys(spending) as (keyof RowOf<typeof spending>)[];
const PROFILE = Object.keys(profile) as (keyof RowOf<typeof profile>)[];
export const FEATURES: readonly string[] = [...WEEKLY, ...SPENDING, ...PROFILE];
const COMPARED = [...FEATURES, ...Object.keys(paymentRisk)];

/** Returns some of the bank's users, evenly spread. */
export function someUsers(users: number, many: number): User[] {
  const count = Math.min(many, users);
  return Array.from({ length: count }, (_, i) => ({
    user_id: userId(Math.floor((i * users) / count)),
  }));
}

export const VENDORS = ["Grocery", "Hospital", "Sport"].map((vendor) => ({ vendor }));

/** Adds a payment that the user is about to make: another amount and vendor for each user. */
export const withPayment = (
  user: User,
  index: number,
): User & { readonly price: string; readonly vendor: string } => ({
  ...user,
  price: `${((index * 137) % 1_500) + 1}.90`,
  vendor: ["Grocery", "Hospital", "Casino"][index % 3]!,
});

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
  print.line();
  print.table(
    SPENDING.map((feature) => ({
      feature,
      [asked[0]!.user_id]: shortened(shown(online.rows[0]![feature].value)),
    })),
  );
  const [check] = await store.getOnlineFeatures({
    features: paymentCheck,
    entities: [{ ...asked[0]!, price: "3000.00", vendor: "Casino" }],
  });
  print.line();
  print.line(`${asked[0]!.user_id} pays 3,000.00 at Casino: ${shown(check)}`);
  const ofVendors = await store.getOnlineFeatures({ features: vendorCustomers, entities: VENDORS });
  print.line();
  print.table(
    ofVendors.map(({ private_share_1d, num_by_segment_1d }, i) => ({
      ...VENDORS[i]!,
      private_share_1d,
      num_by_segment_1d: shown(num_by_segment_1d),
    })),
  );
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
  const asked = users.map(withPayment);
  const compared = [customer360, paymentRisk] as const;
  const fromStream: object[] = [];
  for (const asOf of moments) {
    signal?.throwIfAborted();
    const { rows } = await store.getOnlineFeatures({
      features: compared,
      entities: asked,
      asOf,
      metadata: true,
    });
    fromStream.push(...rows);
  }
  const questions = moments.flatMap((moment) =>
    asked.map((one) => ({ ...one, event_timestamp: moment })),
  );
  const fromHistory = await (
    await store.getHistoricalFeatures({
      features: compared,
      entities: questions,
      metadata: true,
      signal,
    })
  ).rows();
  const vendorsFromStream: object[] = [];
  for (const asOf of moments) {
    const { rows } = await store.getOnlineFeatures({
      features: vendorCustomers,
      entities: VENDORS,
      asOf,
      metadata: true,
    });
    vendorsFromStream.push(...rows);
  }
  const vendorQuestions = moments.flatMap((moment) =>
    VENDORS.map((one) => ({ ...one, event_timestamp: moment })),
  );
  const vendorsFromHistory = await (
    await store.getHistoricalFeatures({
      features: vendorCustomers,
      entities: vendorQuestions,
      metadata: true,
      signal,
    })
  ).rows();
  const ofUsers = compare(COMPARED, fromStream, fromHistory);
  const ofVendors = compare(Object.keys(vendorCustomers), vendorsFromStream, vendorsFromHistory);
  const check = {
    compared: ofUsers.compared + ofVendors.compared,
    differences: [...ofUsers.differences, ...ofVendors.differences],
  };
  checking.done(
    check.compared,
    "values",
    `${users.length} users and ${VENDORS.length} vendors at ${moments.length} moments, ` +
      "online and from history",
  );
  print.line(
    `${integer(check.compared)} values compared, ${integer(check.differences.length)} differ`,
  );
  for (const [{ differences }, asked] of [
    [ofUsers, questions],
    [ofVendors, vendorQuestions],
  ] as const)
    for (const { row, feature, left, right } of differences.slice(0, 5))
      print.line(
        `  ${feature} of ${shown(asked[row])}: online ${shown(left)}, history ${shown(right)}`,
      );
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
        committed: committed === null ? null : new Date(committed),
      })),
    );
}

/** Any value as JSON: lists, maps and objects too. */
const shown = (value: unknown): string => JSON.stringify(toJson(value));
const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 99)}…` : text);

/** The values of some features, out of a row with metadata. */
export function valuesOf(row: object, names: readonly string[]): Record<string, unknown> {
  const answers = row as Readonly<Record<string, { readonly value: unknown }>>;
  return Object.fromEntries(names.map((name) => [name, answers[name]!.value]));
}
