/**
 * What happens at the simulated bank, day by day: the seed and the date decide all of it, so any
 * day can be told without the days before.
 */
import { newAddress, newCustomer, newSegment, userId, type Customer } from "./customers.ts";
import { seededRandom } from "./random.ts";

export interface Bank {
  readonly seed: number;
  readonly users: number;
  readonly transactionsPerDay: number;
  /**
   * Of so many transactions one has a time that no calendar knows, or no user: somebody's bug, as
   * everywhere.
   */
  readonly oddEvery: number;
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
export type Deed = { readonly at: number } & (
  | { readonly is: "purchases"; readonly rows: readonly Transaction[] }
  | { readonly is: "correction"; readonly id: number; readonly amount: number }
  | { readonly is: "repair"; readonly id: number; readonly time: string; readonly user: string }
  | { readonly is: "cancellation"; readonly id: number }
  /**
   * UPDATE transaction_data SET "Sources" = 'Current Account' WHERE "Vendor" = 'Sending Out': every
   * night at two, the day before.
   */
  | { readonly is: "transfers"; readonly ids: readonly number[] }
  | { readonly is: "customer"; readonly id: string; readonly becomes: Partial<Customer> | null }
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
const IDS = 1_000_000;
/** A purchase arrives up to two days late, and is cancelled up to five days after that. */
const ECHO = 8;

/** Everybody there is at first. */
export function population({ seed, users }: Bank): Customer[] {
  const random = seededRandom(seed);
  return Array.from({ length: users }, (_, i) => newCustomer(i, random));
}

/**
 * What happens on a day (days since 1970), in its order: much of it is about purchases of the days
 * before.
 */
export function deedsOn(bank: Bank, day: number): Deed[] {
  const midnight = day * DAY;
  const deeds: Deed[] = [];
  for (let before = day - ECHO; before <= day; before++)
    deeds.push(
      ...deedsBecauseOf(bank, before).filter(({ at }) => midnight <= at && at < midnight + DAY),
    );
  return deeds.sort((a, b) => a.at - b.at);
}

/** What a day's purchases and customers bring about, on that day and later; in no order. */
export function deedsBecauseOf(bank: Bank, day: number): Deed[] {
  const { seed, users, transactionsPerDay, oddEvery } = bank;
  if (transactionsPerDay >= IDS)
    throw new Error(
      `bank: ${transactionsPerDay} transactions a day are too many; ask for less than ${IDS}`,
    );
  const random = seededRandom(seed ^ Math.imul(day, 0x9e3779b1));
  const midnight = day * DAY;
  const deeds: Deed[] = [];
  const transfers: number[] = [];
  // A terminal without a connection sends its purchases a day or two later, all in one database
  // transaction.
  const late: Transaction[] = [];
  const arrival = midnight + DAY * (1 + random.below(2)) + 4 * HOUR;
  for (let n = 1; n <= transactionsPerDay; n++) {
    const time = midnight + random.below(DAY / SECOND) * SECOND;
    // every oddEvery-th: in turns nobody's, and at no time
    const oddity = (day * transactionsPerDay + n) / oddEvery;
    const odd = Number.isInteger(oddity);
    const row = purchase(n, time, odd, odd && oddity % 2 === 0);
    const waits = random.chance(0.01);
    const there = waits ? arrival : time + 500 + random.below(5 * SECOND);
    if (waits) late.push(row);
    else deeds.push({ at: there, is: "purchases", rows: [row] });
    if (row.Vendor === "Sending Out") transfers.push(row.id);
    if (random.chance(0.05))
      deeds.push({
        at: there + HOUR + random.below(3 * DAY),
        is: "correction",
        id: row.id,
        amount: cents(row.Amount * (0.5 + random.unit())),
      });
    if (random.chance(0.01))
      deeds.push({ at: there + HOUR + random.below(5 * DAY), is: "cancellation", id: row.id });
    if (odd && random.chance(0.5))
      deeds.push({
        at: there + DAY,
        is: "repair",
        id: row.id,
        time: text(time),
        user: row["User ID"] ?? userId(0),
      });
  }
  if (late.length > 0) deeds.push({ at: arrival, is: "purchases", rows: late });
  deeds.push({ at: midnight + DAY + 2 * HOUR, is: "transfers", ids: transfers });
  for (let n = 0; n < users / 25; n++) {
    const at = midnight + 9 * HOUR + random.below(8 * HOUR);
    const id = userId(random.below(users));
    // They move house, the bank thinks better or worse of them, and some leave.
    const becomes = random.chance(0.01)
      ? null
      : random.chance(0.5)
        ? { address: newAddress(random) }
        : { segment: newSegment(random) };
    deeds.push({ at, is: "customer", id, becomes });
  }
  return deeds;

  function purchase(n: number, time: number, odd: boolean, nobody: boolean): Transaction {
    const vendor = random.pick(VENDOR_NAMES);
    const [least, greatest] = VENDORS[vendor]!;
    const share = random.unit();
    // Some users spend more often than others, and every fiftieth falls silent in the middle of the
    // month.
    const place = random.unit();
    const index = Math.floor(users * place * (0.5 + 0.5 * place));
    const silent = index % 50 === 49 && new Date(midnight).getUTCDate() > 15;
    const id = day * IDS + n;
    return {
      id,
      "User ID": nobody ? null : userId(silent ? index - 1 : index),
      "Transaction ID": `tx-${id}`,
      Vendor: vendor,
      Sources: random.pick(SOURCES),
      Time: odd && !nobody ? text(time).replace(/-\d\d /, "-32 ") : text(time),
      Amount: cents(least + (greatest - least) * share * share * share),
    };
  }
}

const cents = (amount: number): number => Math.round(amount * 100) / 100;
const text = (time: number): string => new Date(time).toISOString().slice(0, 19).replace("T", " ");
