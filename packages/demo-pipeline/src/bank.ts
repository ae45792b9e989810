/** A simulated bank: its database, one commit after the other, as a seed decides. */
import { changedCustomer, newCustomer, userId, type Customer } from "./customers.ts";
import { seededRandom } from "./random.ts";

export interface BankSettings {
  readonly seed: number;
  readonly users: number;
  readonly transactionsPerDay: number;
  readonly days: number;
  /** The first day, at midnight UTC. */
  readonly start: Date;
  /** Of so many transactions one has a time that no calendar knows, or no user: somebody's bug, as everywhere. */
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

/** What became of a row; null where there was, or is, none. */
export type RowChange =
  | { readonly table: "transaction_data"; readonly before: Transaction | null; readonly after: Transaction | null }
  | { readonly table: "customers"; readonly before: Customer | null; readonly after: Customer | null };

export interface Commit {
  /** In ms, on the same axis as the transactions' times. */
  readonly at: number;
  /** The rows that were there when the connector came. */
  readonly snapshot: boolean;
  readonly changes: readonly RowChange[];
}

/** By vendor, the least and the greatest amount. */
const VENDORS: Readonly<Record<string, readonly [number, number]>> = {
  "Online Shopping": [5, 400], "Hospital": [40, 2_500], "Sport": [10, 200], "Grocery": [3, 180], "Restaurant": [8, 220], "Transportation": [2, 90], "Sending Out": [10, 1_500],
};
const VENDOR_NAMES = Object.keys(VENDORS);
const SOURCES = ["Current Account", "Credit Card", "Debit Card"];
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;

interface Task { readonly at: number; run(): readonly RowChange[] }

/** All commits in their order. The connector comes after the first day: what the tables hold then is the snapshot. */
export function* bankCommits(settings: BankSettings): Generator<Commit> {
  const connected = settings.start.getTime() + DAY;
  const { tasks, tables } = plan(settings);
  let streaming = false;
  for (const { at, run } of tasks) {
    if (at >= connected && !streaming) {
      streaming = true;
      yield { at: connected, snapshot: true, changes: tables() };
    }
    const changes = run();
    if (streaming && changes.length > 0) yield { at, snapshot: false, changes };
  }
}

/** Everything that will happen, in order of time. */
function plan({ seed, users, transactionsPerDay, days, start, oddEvery }: BankSettings): { readonly tasks: readonly Task[]; readonly tables: () => RowChange[] } {
  const random = seededRandom(seed);
  const transactions = new Map<number, Transaction>();
  const customers = new Map(Array.from({ length: users }, (_, i) => newCustomer(i, random)).map((customer) => [customer.id, customer]));
  const end = start.getTime() + days * DAY;
  const tasks: Task[] = [];
  const schedule = (at: number, run: Task["run"]): void => { if (at < end) tasks.push({ at, run }); };

  const insert = (row: Transaction): RowChange => {
    transactions.set(row.id, row);
    return { table: "transaction_data", before: null, after: row };
  };
  /** An update, or with null a delete; nothing where the row is gone already. */
  const change = (id: number, update: (row: Transaction) => Transaction | null): readonly RowChange[] => {
    const before = transactions.get(id);
    if (before === undefined) return [];
    const after = update(before);
    if (after === null) transactions.delete(id);
    else transactions.set(id, after);
    return [{ table: "transaction_data", before, after }];
  };

  let id = 0;
  for (let day = 0; day < days; day++) {
    const midnight = start.getTime() + day * DAY;
    const transfers: number[] = [];
    const late: Transaction[] = [];
    for (let n = 0; n < transactionsPerDay; n++) {
      const time = midnight + random.below(DAY / SECOND) * SECOND;
      const row = newTransaction(++id, time, day);
      const committed = time + 500 + random.below(5 * SECOND);
      if (row.Vendor === "Sending Out") transfers.push(row.id);
      if (random.chance(0.01)) late.push(row);
      else schedule(committed, () => [insert(row)]);
      if (random.chance(0.05)) {
        const amount = cents(row.Amount * (0.5 + random.unit()));
        schedule(committed + HOUR + random.below(3 * DAY), () => change(row.id, (now) => ({ ...now, Amount: amount })));
      }
      if (random.chance(0.01)) schedule(committed + HOUR + random.below(5 * DAY), () => change(row.id, () => null));
      if (row.id % oddEvery === 0 && random.chance(0.5)) {
        schedule(committed + DAY, () => change(row.id, (now) => ({ ...now, Time: text(time), "User ID": now["User ID"] ?? userId(0) })));
      }
    }
    // A terminal without a connection sends its purchases a day or two later, all in one database transaction.
    schedule(midnight + DAY * (1 + random.below(2)) + 4 * HOUR, () => late.map(insert));
    // UPDATE transaction_data SET "Sources" = 'Current Account' WHERE "Vendor" = 'Sending Out': every night at two, the day before.
    schedule(midnight + DAY + 2 * HOUR, () => transfers.flatMap((one) => (transactions.get(one)?.Sources === "Current Account" ? [] : change(one, (now) => ({ ...now, Sources: "Current Account" })))));
    for (let n = 0; n < users / 25; n++) {
      const customer = userId(random.below(users));
      const leaves = random.chance(0.01);
      schedule(midnight + 9 * HOUR + random.below(8 * HOUR), () => {
        const before = customers.get(customer);
        if (before === undefined) return [];
        const after = leaves ? null : changedCustomer(before, random);
        if (after === null) customers.delete(customer);
        else customers.set(customer, after);
        return [{ table: "customers", before, after }];
      });
    }
  }
  tasks.sort((a, b) => a.at - b.at);
  const snapshot = (): RowChange[] => [
    ...[...customers.values()].map((after): RowChange => ({ table: "customers", before: null, after })),
    ...[...transactions.values()].map((after): RowChange => ({ table: "transaction_data", before: null, after })),
  ];
  return { tasks, tables: snapshot };

  function newTransaction(number: number, time: number, day: number): Transaction {
    const vendor = random.pick(VENDOR_NAMES);
    const [least, greatest] = VENDORS[vendor]!;
    const share = random.unit();
    // Some users spend more often than others, and every fiftieth falls silent in the middle of the month.
    const place = random.unit();
    const index = Math.floor(users * place * (0.5 + 0.5 * place));
    const silent = index % 50 === 49 && day >= days / 2;
    const odd = number % oddEvery === 0;
    const nobody = odd && (number / oddEvery) % 2 === 0;
    return {
      id: number, "User ID": nobody ? null : userId(silent ? index - 1 : index), "Transaction ID": `tx-${number}`, Vendor: vendor, Sources: random.pick(SOURCES),
      Time: odd && !nobody ? text(time).replace(/-\d\d /, "-31 ") : text(time), Amount: cents(least + (greatest - least) * share * share * share),
    };
  }
}

const cents = (amount: number): number => Math.round(amount * 100) / 100;
const text = (time: number): string => new Date(time).toISOString().slice(0, 19).replace("T", " ");
