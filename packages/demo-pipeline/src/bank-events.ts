/**
 * Generates the events of the simulated bank, day by day. The seed and the date determine a day, so
 * any day can be generated without the days before.
 */
import { newAddress, newCustomer, newSegment, userId, type Customer } from "./customers.ts";
import { seededRandom } from "./random.ts";

export interface BankConfig {
  readonly seed: number;
  readonly users: number;
  readonly transactionsPerDay: number;
  /** Of this many transactions, one has an invalid time or no user, as a bug would leave it. */
  readonly invalidEvery: number;
}

/** A row of public.transaction_data, with the names of its columns. */
export interface Transaction {
  readonly id: number;
  readonly "User ID": string | null;
  readonly "Transaction ID": string;
  readonly Vendor: string;
  readonly Sources: string;
  /** The time as text, such as "2025-06-14 09:30:00". */
  readonly Time: string;
  readonly Amount: number;
}

/** An event; `at` is in ms. An event about a row that does not exist has no effect. */
export type BankEvent = { readonly at: number } & (
  | { readonly kind: "purchases"; readonly rows: readonly Transaction[] }
  | { readonly kind: "correction"; readonly id: number; readonly amount: number }
  | { readonly kind: "repair"; readonly id: number; readonly time: string; readonly user: string }
  | { readonly kind: "cancellation"; readonly id: number }
  /**
   * Changes "Sources" to 'Current Account' where "Vendor" is 'Sending Out': every night at two, for
   * the day before.
   */
  | { readonly kind: "transfers"; readonly ids: readonly number[] }
  | { readonly kind: "customer"; readonly id: string; readonly update: Partial<Customer> | null }
);

/** The least and the greatest amount of each vendor. */
const VENDORS: Readonly<Record<string, readonly [number, number]>> = {
  "Online Shopping": [5, 400],
  Hospital: [40, 2_500],
  Sport: [10, 200],
  Grocery: [3, 180],
  Restaurant: [8, 220],
  Transportation: [2, 90],
  "Sending Out": [10, 1_500],
};
const VENDOR_NAMES = Object.keys(VENDORS);
const SOURCES = ["Current Account", "Credit Card", "Debit Card"];
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;
/** The number of ids of one day. Ids that the database assigns start at 1, far below. */
const IDS_PER_DAY = 1_000_000;
/**
 * The days over which an event acts: a purchase arrives up to two days late, and is cancelled up to
 * five days later.
 */
const EVENT_SPAN_DAYS = 8;

/** Returns the customers of the first day. */
export function initialCustomers({ seed, users }: BankConfig): Customer[] {
  const random = seededRandom(seed);
  return Array.from({ length: users }, (_, i) => newCustomer(i, random));
}

/**
 * Returns the events of a day (days since 1970) in their order. Many of them are about purchases of
 * earlier days.
 */
export function eventsOn(bank: BankConfig, day: number): BankEvent[] {
  const midnight = day * DAY;
  const events: BankEvent[] = [];
  for (let before = day - EVENT_SPAN_DAYS; before <= day; before++)
    events.push(
      ...eventsBecauseOf(bank, before).filter(({ at }) => midnight <= at && at < midnight + DAY),
    );
  return events.sort((a, b) => a.at - b.at);
}

/**
 * Returns the events that follow from a day's purchases and customers, on that day and later,
 * unordered.
 */
export function eventsBecauseOf(bank: BankConfig, day: number): BankEvent[] {
  const { seed, users, transactionsPerDay, invalidEvery } = bank;
  if (transactionsPerDay >= IDS_PER_DAY)
    throw new Error(
      `bank: ${transactionsPerDay} transactions a day are too many; ` +
        `ask for less than ${IDS_PER_DAY}`,
    );
  const random = seededRandom(seed ^ Math.imul(day, 0x9e3779b1));
  const midnight = day * DAY;
  const events: BankEvent[] = [];
  const transfers: number[] = [];
  // A terminal without a connection sends its purchases a day or two later, all in one database
  // transaction.
  const late: Transaction[] = [];
  const arrival = midnight + DAY * (1 + random.below(2)) + 4 * HOUR;
  for (let n = 1; n <= transactionsPerDay; n++) {
    const time = midnight + random.below(DAY / SECOND) * SECOND;
    // every invalidEvery-th transaction is invalid, alternating between no user and an invalid time
    const invalidNumber = (day * transactionsPerDay + n) / invalidEvery;
    const invalid = Number.isInteger(invalidNumber);
    const row = purchase(n, time, invalid, invalid && invalidNumber % 2 === 0);
    const isLate = random.chance(0.01);
    const arrivesAt = isLate ? arrival : time + 500 + random.below(5 * SECOND);
    if (isLate) late.push(row);
    else events.push({ at: arrivesAt, kind: "purchases", rows: [row] });
    if (row.Vendor === "Sending Out") transfers.push(row.id);
    if (random.chance(0.05))
      events.push({
        at: arrivesAt + HOUR + random.below(3 * DAY),
        kind: "correction",
        id: row.id,
        amount: cents(row.Amount * (0.5 + random.unit())),
      });
    if (random.chance(0.01))
      events.push({
        at: arrivesAt + HOUR + random.below(5 * DAY),
        kind: "cancellation",
        id: row.id,
      });
    if (invalid && random.chance(0.5))
      events.push({
        at: arrivesAt + DAY,
        kind: "repair",
        id: row.id,
        time: text(time),
        user: row["User ID"] ?? userId(0),
      });
  }
  if (late.length > 0) events.push({ at: arrival, kind: "purchases", rows: late });
  events.push({ at: midnight + DAY + 2 * HOUR, kind: "transfers", ids: transfers });
  for (let n = 0; n < users / 25; n++) {
    const at = midnight + 9 * HOUR + random.below(8 * HOUR);
    const id = userId(random.below(users));
    // A customer may move house, get another segment, or leave the bank.
    const update = random.chance(0.01)
      ? null
      : random.chance(0.5)
        ? { address: newAddress(random) }
        : { segment: newSegment(random) };
    events.push({ at, kind: "customer", id, update });
  }
  return events;

  function purchase(n: number, time: number, invalid: boolean, nobody: boolean): Transaction {
    const vendor = random.pick(VENDOR_NAMES);
    const [least, greatest] = VENDORS[vendor]!;
    const share = random.unit();
    // Some users spend more often than others, and every fiftieth stops in the middle of the month.
    const place = random.unit();
    const index = Math.floor(users * place * (0.5 + 0.5 * place));
    const silent = index % 50 === 49 && new Date(midnight).getUTCDate() > 15;
    const id = day * IDS_PER_DAY + n;
    return {
      id,
      "User ID": nobody ? null : userId(silent ? index - 1 : index),
      "Transaction ID": `tx-${id}`,
      Vendor: vendor,
      Sources: random.pick(SOURCES),
      Time: invalid && !nobody ? text(time).replace(/-\d\d /, "-32 ") : text(time),
      Amount: cents(least + (greatest - least) * share * share * share),
    };
  }
}

const cents = (amount: number): number => Math.round(amount * 100) / 100;
const text = (time: number): string => new Date(time).toISOString().slice(0, 19).replace("T", " ");
