/** Feeds the benchmarks with the transactions of a bank. */
import type { ChangeSource } from "@tidemark/core/spi";
import { transactionRows, transactionSource } from "@tidemark/testkit/bank/transactions";

/** The moment that the features are computed for: all events lie in the week before it. */
export const NOW = 1_741_600_000_000_000;

/** Makes a source of `events` transactions in the order of their times, of random users. */
export function bankChanges(users: number, events: number): ChangeSource {
  return transactionSource(transactionRows({ users, events, end: NOW }));
}
