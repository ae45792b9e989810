/**
 * Generates the commits of the bank's database without a database, for the change log of the
 * embedded demo.
 */
import type { Customer } from "./customers.ts";
import {
  DAY,
  eventsBecauseOf,
  initialCustomers,
  type BankConfig,
  type BankEvent,
  type Transaction,
} from "./bank-events.ts";

export { DAY, type Transaction } from "./bank-events.ts";

export interface BankSettings extends BankConfig {
  readonly days: number;
  /** The first day, at midnight UTC. */
  readonly start: Date;
}

/** The row before and after the change; null if it did not or does not exist. */
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
  /** The commit time in ms, on the same axis as the transactions' times. */
  readonly at: number;
  /** True for the rows that existed when the connector started. */
  readonly snapshot: boolean;
  readonly changes: readonly RowChange[];
}

/**
 * Yields all commits in their order. The connector starts after the first day; the tables' content
 * at that time is the snapshot.
 */
export function* bankCommits(settings: BankSettings): Generator<Commit> {
  const first = settings.start.getTime() / DAY;
  const connected = settings.start.getTime() + DAY;
  const events = Array.from({ length: settings.days }, (_, i) =>
    eventsBecauseOf(settings, first + i),
  )
    .flat()
    .filter(({ at }) => at < (first + settings.days) * DAY);
  const tables = bankTables(settings);
  let streaming = false;
  for (const event of events.sort((a, b) => a.at - b.at)) {
    if (event.at >= connected && !streaming) {
      streaming = true;
      yield { at: connected, snapshot: true, changes: tables.rows() };
    }
    const changes = tables.apply(event);
    if (streaming && changes.length > 0) yield { at: event.at, snapshot: false, changes };
  }
}

function bankTables(bank: BankConfig): {
  apply(event: BankEvent): readonly RowChange[];
  rows(): RowChange[];
} {
  const transactions = new Map<number, Transaction>();
  const customers = new Map(initialCustomers(bank).map((customer) => [customer.id, customer]));

  /** Makes an update, or with null a delete. A row that is already deleted gives no change. */
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
    apply(event) {
      switch (event.kind) {
        case "purchases":
          return event.rows.map((after): RowChange => {
            transactions.set(after.id, after);
            return { table: "transaction_data", before: null, after };
          });
        case "correction":
          return change(event.id, (row) => ({ ...row, Amount: event.amount }));
        case "repair":
          return change(event.id, (row) => ({ ...row, Time: event.time, "User ID": event.user }));
        case "cancellation":
          return change(event.id, () => null);
        case "transfers":
          return event.ids
            .filter(
              (id) => (transactions.get(id)?.Sources ?? "Current Account") !== "Current Account",
            )
            .flatMap((id) => change(id, (row) => ({ ...row, Sources: "Current Account" })));
        case "customer": {
          const before = customers.get(event.id);
          if (before === undefined) return [];
          const after = event.update === null ? null : { ...before, ...event.update };
          if (after === null) customers.delete(event.id);
          else customers.set(event.id, after);
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
