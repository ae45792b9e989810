/** Writes days of the bank while the stream runs. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "@tidemark/core";
import type { Pool } from "pg";
import type { BankConfig } from "./bank-events.ts";
import { customer360, weekly } from "./features.ts";
import type { LiveRun } from "./live-run.ts";
import { writeDay, type WriteResult } from "./postgres-bank.ts";
import { decimals, integer } from "./print.ts";
import { progressBar, type Output } from "./progress.ts";
import { someUsers } from "./shared-steps.ts";
import type { StepPrinter } from "./steps.ts";

/** The answers of some users at a moment when no change was in transit. */
export interface Served {
  readonly users: readonly { readonly user_id: string; readonly event_timestamp: Date }[];
  readonly answers: readonly object[];
}

export interface LiveDaysOptions {
  readonly bank: BankConfig;
  readonly database: Pool;
  readonly store: Store;
  readonly run: LiveRun;
  /** The days to write, and the number of messages before them. */
  readonly dates: readonly string[];
  readonly before: number;
  readonly print: StepPrinter;
  readonly output: Output;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes the days one after the other, each after the previous one is served. Keeps the answers of
 * a request in between.
 */
export async function liveDays({
  bank,
  database,
  store,
  run,
  dates,
  before,
  print,
  output,
  signal,
}: LiveDaysOptions): Promise<Served> {
  const users: { readonly user_id: string; readonly event_timestamp: Date }[] = [];
  const answers: object[] = [];
  let messages = before;
  const living = print.step("Days that come while the stream runs");
  const serve = async (): Promise<void> => {
    const at = new Date();
    const asked = someUsers(bank.users, 100);
    const { rows } = await store.getOnlineFeatures({
      features: customer360,
      entities: asked,
      asOf: at,
      metadata: true,
      signal,
    });
    answers.push(...rows);
    users.push(...asked.map((one) => ({ ...one, event_timestamp: at })));
  };
  await serve();
  for (const date of dates) {
    const written = await writeDay(database, bank, date);
    const started = performance.now();
    const many = messagesOf(written);
    const bar = output.isTTY === true ? progressBar(output, many, "messages") : undefined;
    await run.waitUntilTaken(messages + many, bar, messages).finally(() => bar?.end());
    const { inserted, updated, deleted } = written.transaction_data;
    print.line(
      `${date}: ${integer(inserted)} new, ${integer(updated)} changed, ${integer(deleted)} ` +
        `deleted in one commit, served after ${decimals((performance.now() - started) / 1000)} s`,
    );
    messages += many;
    await serve();
  }
  const delays: number[] = [];
  for (let i = 0; i < 5; i++)
    delays.push(await measureDelay(database, store, `newcomer_${i + 1}`, signal));
  await run.waitUntilTaken(messages + delays.length);
  living.done(
    messages + delays.length - before,
    "messages",
    `a payment alone is served ${integer(delays.toSorted((a, b) => a - b)[2]!)} ms ` +
      `after its commit (the median of ${delays.length})`,
  );
  return { users, answers };
}

/** Measures the ms from the commit of a new user's first payment until the payment is counted. */
async function measureDelay(
  database: Pool,
  store: Store,
  user_id: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const time = new Date(Date.now() - 1_000).toISOString().slice(0, 19).replace("T", " ");
  await database.query(
    `INSERT INTO public.transaction_data ("User ID", "Transaction ID", "Vendor", "Sources", ` +
      `"Time", "Amount") VALUES ($1, 'tx-now', 'Grocery', 'Debit Card', $2, 12.34)`,
    [user_id, time],
  );
  const started = performance.now();
  for (;;) {
    const [{ num_transactions_l1w: count }] = await store.getOnlineFeatures({
      features: weekly,
      entities: [{ user_id }],
    });
    if (count === 1) return performance.now() - started;
    if (performance.now() - started > 60_000)
      throw new Error(
        `demo: the payment of ${user_id} was not served within a minute; look at the connector`,
      );
    await sleep(1, undefined, { signal });
  }
}

/** Counts the messages of a write. A tombstone follows each delete. */
function messagesOf(written: WriteResult): number {
  return [written.transaction_data, written.customer_data].reduce(
    (sum, { inserted, updated, deleted }) => sum + inserted + updated + 2 * deleted,
    0,
  );
}
