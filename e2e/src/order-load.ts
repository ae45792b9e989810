/**
 * Changes the rows of a table of orders without pause. The statements name no column that comes and
 * goes, so they are right before and after each `ALTER TABLE`.
 */
import { Random } from "@tidemark/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { connected } from "./pipeline-load.ts";

/** The users whose rows the load changes. */
export const USERS: readonly string[] = Array.from({ length: 12 }, (_, i) => `user_${i}`);
/** A user whose rows the load does not change. */
export const STILL_USER = "still";

const DAY = 86_400_000;

/** The table that a load changes. */
export interface OrderTable {
  readonly table: string;
  /** The values of `region`, by which the table may be partitioned. */
  readonly regions: readonly string[];
  /** Whether rows move to other regions. Default: false. */
  readonly moves?: boolean | undefined;
  /** What an update adds to an amount. Default: "1". */
  readonly step?: string | undefined;
}

const ORDERS: OrderTable = { table: "public.orders", regions: ["eu", "us"] };

/** A load of the table. */
export interface OrderLoad {
  /** The transactions so far. */
  readonly transactions: number;
  /** Changes the table's name, or the regions of its rows. */
  set(changed: Partial<OrderTable>): void;
  /** Waits until no transaction is open, and starts none until `resume`. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

/** A row as JSON. A key without a column is ignored, and a column without a key is null. */
function orderOf(random: Random, id: number, user: string, regions: readonly string[]): string {
  const money = (): string | null =>
    random.chance(0.1) ? null : (random.between(-5_000, 500_000) / 100).toFixed(2);
  return JSON.stringify({
    id,
    user_id: user,
    at: new Date(Date.now() - DAY - random.int(20 * DAY)).toISOString(),
    amount: money(),
    code: random.chance(0.1) ? null : String(random.int(40)),
    fee: money(),
    charge: money(),
    channel: random.pick(["web", "shop", "phone"]),
    region: random.pick(regions),
  });
}

const insertInto = (table: string): string =>
  `INSERT INTO ${table} SELECT * FROM jsonb_populate_record(null::${table}, $1)`;

/** Inserts the rows from before the load: 20 of each user, and 9 that stay as they are. */
export async function insertOrders(url: string, seed: number): Promise<void> {
  const random = new Random(seed);
  const { table, regions } = ORDERS;
  const users = USERS.flatMap((user) => Array.from({ length: 20 }, () => user));
  const database = await connected(url);
  for (const [id, user] of [...users, ...Array.from({ length: 9 }, () => STILL_USER)].entries())
    await database.query(insertInto(table), [orderOf(random, id, user, regions)]);
  await database.end();
}

/** Starts the load. A statement that fails is thrown by `stop`. */
export function startOrderLoad(
  url: string,
  seed: number,
  given: Partial<OrderTable> = {},
): OrderLoad {
  const random = new Random(seed);
  let at: OrderTable = { ...ORDERS, ...given };
  let [transactions, next, paused, stopped, busy] = [0, 100_000, false, false, false];

  const statement = (): readonly [sql: string, values: readonly unknown[]] => {
    const { table, regions, moves, step = "1" } = at;
    const some =
      `(SELECT id FROM ${table} WHERE user_id <> '${STILL_USER}' ` +
      `ORDER BY md5(id::text || '${random.int(1e6)}') LIMIT 2)`;
    switch (random.weighted({ insert: 5, touch: 4, move: moves === true ? 3 : 0, delete: 1 })) {
      case "insert":
        return [insertInto(table), [orderOf(random, next++, random.pick(USERS), regions)]];
      case "touch":
        return [`UPDATE ${table} SET amount = amount + ${step} WHERE id IN ${some}`, []];
      case "move":
        return [`UPDATE ${table} SET region = $1 WHERE id IN ${some}`, [random.pick(regions)]];
      case "delete":
        return [`DELETE FROM ${table} WHERE id IN ${some}`, []];
    }
  };
  const work = async (): Promise<void> => {
    const database = await connected(url);
    while (!stopped) {
      if (paused) {
        await sleep(5);
        continue;
      }
      busy = true;
      const before = at;
      try {
        await database.query("BEGIN");
        for (let i = random.between(1, 4); i > 0; i--) {
          const [sql, values] = statement();
          await database.query(sql, [...values]);
        }
        await database.query("COMMIT");
        transactions++;
      } catch (error) {
        await database.query("ROLLBACK");
        // The table was renamed meanwhile, and its new name follows.
        if ((error as { readonly code?: string }).code !== "42P01") throw error;
        while (at === before && !stopped) await sleep(5);
      } finally {
        busy = false;
      }
      await sleep(random.int(8));
    }
    await database.end();
  };
  const ended = work();
  ended.catch(() => undefined);
  return {
    get transactions() {
      return transactions;
    },
    set(changed) {
      at = { ...at, ...changed };
    },
    async pause() {
      paused = true;
      while (busy) await sleep(2);
    },
    resume() {
      paused = false;
    },
    async stop() {
      stopped = true;
      await ended;
    },
  };
}
