/** Runs the transaction of a step. */
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import type pg from "pg";
import { runAll, runOne, withConnection } from "./connections.ts";
import { isConnectionLost } from "./errors.ts";
import type { Statements } from "./statements.ts";
import type { stepCalls } from "./write-step.ts";

/** How long the outcome of a commit is asked for after its connection was lost, ms. */
const OUTCOME_TIME = 10_000;
const OUTCOME_PAUSE = 100;

/** What tells one transaction of one running server from any other. */
interface Transaction {
  readonly id: unknown;
  /** When the server started. Another server may give the same id again. */
  readonly serverStart: unknown;
}

/**
 * Runs the statements in a transaction, and commits if each met the rows that it expected. The
 * statements take one round trip, and the commit takes another.
 */
export async function commitStep(
  pool: pg.Pool,
  statements: Statements,
  calls: ReturnType<typeof stepCalls>,
  { name, beforeCommit }: { readonly name: string; readonly beforeCommit: () => void },
): Promise<"done" | "conflict"> {
  /** null: no COMMIT was sent. */
  let sent: Transaction | null = null;
  try {
    return await withConnection(pool, async (client) => {
      const all = [statements("begin"), ...calls.map(({ call }) => call)];
      const results = await runAll(client, [...all, statements("beforeCommit")]);
      const met = calls.every(
        ({ expected }, i) => expected === null || expected === results[i + 1]!.count,
      );
      if (!met) {
        await runAll(client, [statements("rollback")]);
        return "conflict";
      }
      beforeCommit();
      const [id, serverStart] = results.at(-1)!.rows[0]!;
      sent = { id, serverStart };
      await runAll(client, [statements("commit")]);
      return "done";
    });
  } catch (error) {
    if (sent === null || !isConnectionLost(error)) throw error;
    if (await wasCommitted(pool, statements, sent)) return "done";
    throw new TidemarkError(
      "ONLINE_STORE_UNREACHABLE",
      `${name}: the connection was lost during a commit, and the step may be written or not; ` +
        "read the positions again and go on from there, as a run does",
      { cause: error, retryable: true },
    );
  }
}

/**
 * Asks the server how a transaction ended. False: it was rolled back, or the server does not know:
 * it started again, or another one took over.
 */
async function wasCommitted(
  pool: pg.Pool,
  statements: Statements,
  { id, serverStart }: Transaction,
): Promise<boolean> {
  const until = Date.now() + OUTCOME_TIME;
  for (;;) {
    // as long as the server works on the commit, its locks would look like another writer's
    const call = statements("outcome", id, serverStart);
    const outcome = await runOne(pool, call).catch(() => null);
    const status = outcome?.rows[0]?.[0] ?? "in progress";
    if (status !== "in progress") return status === "committed";
    if (Date.now() > until) return false;
    await sleep(OUTCOME_PAUSE);
  }
}
