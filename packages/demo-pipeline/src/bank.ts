/**
 * The bank's database, one commit after the other, without a database: the change log of the
 * embedded demo.
 */
import type { Customer } from "./customers.ts";
import {
  DAY,
  deedsBecauseOf,
  population,
  type Bank,
  type Deed,
  type Transaction,
} from "./deeds.ts";

export { DAY, type Transaction } from "./deeds.ts";

export interface BankSettings extends Bank {
  readonly days: number;
  /** The first day, at midnight UTC. */
  readonly start: Date;
}

/** What became of a row; null where there was, or is, none. */
export type RowChange =
  | {
      readonly table: "transaction_data";
      readonly before: Transaction | null;
      readonly after: Transaction | null;
    }
  | {
      readonly table: "customer_data";
      readonly before: Customer | null;
      readonly after: Customer | null;
    };

export interface Commit {
  /** In ms, on the same axis as the transactions' times. */
  readonly at: number;
  /** The rows that were there when the connector came. */
  readonly snapshot: boolean;
  readonly changes: readonly RowChange[];
}

/**
 * All commits in their order. The connector comes after the first day: what the tables hold then is
 * the snapshot.
 */
export function* bankCommits(settings: BankSettings): Generator<Commit> {
  const first = settings.start.getTime() / DAY;
  const connected = settings.start.getTime() + DAY;
  const deeds = Array.from({ length: settings.days }, (_, i) => deedsBecauseOf(settings, first + i))
    .flat()
    .filter(({ at }) => at < (first + settings.days) * DAY);
  const tables = bankTables(settings);
  let streaming = false;
  for (const deed of deeds.sort((a, b) => a.at - b.at)) {
    if (deed.at >= connected && !streaming) {
      streaming = true;
      yield { at: connected, snapshot: true, changes: tables.rows() };
    }
    const changes = tables.take(deed);
    if (streaming && changes.length > 0) yield { at: deed.at, snapshot: false, changes };
  }
}

function bankTables(bank: Bank): { take(deed: Deed): readonly RowChange[]; rows(): RowChange[] } {
  const transactions = new Map<number, Transaction>();
  const customers = new Map(population(bank).map((customer) => [customer.id, customer]));

  /** An update, or with null a delete; nothing where the row is gone already. */
  const change = (
    id: number,
    update: (row: Transaction) => Transaction | null,
  ): readonly RowChange[] => {
    const before = transactions.get(id);
    if (before === undefined) return [];
    const after = update(before);
    if (after === null) transactions.delete(id);
    else transactions.set(id, after);
    return [{ table: "transaction_data", before, after }];
  };

  return {
    take(deed) {
      switch (deed.is) {
        case "purchases":
          return deed.rows.map((after): RowChange => {
            transactions.set(after.id, after);
            return { table: "transaction_data", before: null, after };
          });
        case "correction":
          return change(deed.id, (row) => ({ ...row, Amount: deed.amount }));
        case "repair":
          return change(deed.id, (row) => ({ ...row, Time: deed.time, "User ID": deed.user }));
        case "cancellation":
          return change(deed.id, () => null);
        case "transfers":
          return deed.ids
            .filter(
              (id) => (transactions.get(id)?.Sources ?? "Current Account") !== "Current Account",
            )
            .flatMap((id) => change(id, (row) => ({ ...row, Sources: "Current Account" })));
        case "customer": {
          const before = customers.get(deed.id);
          if (before === undefined) return [];
          const after = deed.becomes === null ? null : { ...before, ...deed.becomes };
          if (after === null) customers.delete(deed.id);
          else customers.set(deed.id, after);
          return [{ table: "customer_data", before, after }];
        }
      }
    },
    rows: () => [
      ...[...customers.values()].map((after): RowChange => ({
        table: "customer_data",
        before: null,
        after,
      })),
      ...[...transactions.values()].map((after): RowChange => ({
        table: "transaction_data",
        before: null,
        after,
      })),
    ],
  };
}
