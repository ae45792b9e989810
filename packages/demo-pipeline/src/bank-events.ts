/**
 * What happens at the simulated bank, day by day: the seed and the date decide all of it, so any
 * day can be told without the days before.
 */
import { newAddress, newCustomer, newSegment, userId, type Customer } from "./customers.ts";
import { seededRandom } from "./random.ts";

export interface BankConfig {
  readonly seed: number;
  readonly users: number;
  readonly transactionsPerDay: number;
  /**
   * Of so many transactions one has a time that no calendar knows, or no user: somebody's bug, as
   * everywhere.
   */
  readonly invalidEvery: number;
}

/** A row of public.transaction_data; the names are those of its columns. */
export interface Transaction {
  readonly id: number;
  readonly "User ID": string | null;
  readonly "Transaction ID": string;
  readonly Vendor: string;
  readonly Sources: string;
  /** Text, as so often: "2025-06-14 09:30:00". */
  readonly Time: string;
  readonly Amount: number;
}

/** `at` in ms. A deed about a row that is not there, or not there any more, does nothing. */
export type BankEvent = { readonly at: number } & (
  | { readonly kind: "purchases"; readonly rows: readonly Transaction[] }
  | { readonly kind: "correction"; readonly id: number; readonly amount: number }
  | { readonly kind: "repair"; readonly id: number; readonly time: string; readonly user: string }
  | { readonly kind: "cancellation"; readonly id: number }
  /**
   * UPDATE transaction_data SET "Sources" = 'Current Account' WHERE "Vendor" = 'Sending Out': every
   * night at two, the day before.
   */
  | { readonly kind: "transfers"; readonly ids: readonly number[] }
  | { readonly kind: "customer"; readonly id: string; readonly update: Partial<Customer> | null }
);

/** By vendor, the least and the greatest amount. */
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
/** Ids of one day; those that the database gives itself start at 1, far below. */
const IDS_PER_DAY = 1_000_000;
/** A purchase arrives up to two days late, and is cancelled up to five days after that. */
const EVENT_SPAN_DAYS = 8;

/** Everybody there is at first. */
export function initialCustomers({ seed, users }: BankConfig): Customer[] {
  const random = seededRandom(seed);
  return Array.from({ length: users }, (_, i) => newCustomer(i, random));
}

/**
 * What happens on a day (days since 1970), in its order: much of it is about purchases of the days
 * before.
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

/** What a day's purchases and customers bring about, on that day and later; in no order. */
export function eventsBecauseOf(bank: BankConfig, day: number): BankEvent[] {
  const { seed, users, transactionsPerDay, invalidEvery } = bank;
  if (transactionsPerDay >= IDS_PER_DAY)
    throw new Error(
      `bank: ${transactionsPerDay} transactions a day are too many; ask for less than ` +
        `${IDS_PER_DAY}`,
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
    // every oddEvery-th: in turns nobody's, and at no time
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
    // They move house, the bank thinks better or worse of them, and some leave.
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
    // Some users spend more often than others, and every fiftieth falls silent in the middle of the
    // month.
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
