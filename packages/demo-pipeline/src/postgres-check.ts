/**
 * Compares PostgreSQL's final tables with the stores: every row and column by primary key, and the
 * seven features computed from the rows.
 */
import type { Store, Value } from "@tidemark/core";
import { valueAt, type OfflineStore } from "@tidemark/core/spi";
import { isDeepStrictEqual } from "node:util";
import type { Pool } from "pg";
import { DAY } from "./bank-events.ts";
import { weekly } from "./features.ts";
import { customerRow, transactionRow } from "./row-lookup.ts";
import { customerRows, transactionRows, weeklyFromRows, type TableRow } from "./postgres-rows.ts";
import { withPayment, type User } from "./shared-steps.ts";

export interface CheckResult {
  readonly compared: number;
  /** One sentence for each difference. */
  readonly differences: readonly string[];
}

interface TableCheck {
  readonly source: "transactions" | "customers";
  readonly key: string;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  online(keys: readonly string[]): Promise<(readonly Value[])[]>;
}

/** Checks every row that PostgreSQL has, and that every deleted row is gone. */
export async function checkRows({
  database,
  store,
  lake,
  asOf,
}: {
  readonly database: Pool;
  readonly store: Store;
  readonly lake: OfflineStore;
  readonly asOf: Date;
}): Promise<CheckResult & { readonly rows: number }> {
  const ask = async (
    features: typeof transactionRow | typeof customerRow,
    entities: readonly object[],
  ): Promise<(readonly Value[])[]> => {
    const found: (readonly Value[])[] = [];
    for (let from = 0; from < entities.length; from += 5_000) {
      const batch = await store.getOnlineBatch({
        features,
        entities: entities.slice(from, from + 5_000),
        asOf,
      });
      for (let row = 0; row < batch.length; row++)
        found.push(batch.vectors.map((vector) => valueAt(vector, row)));
    }
    return found;
  };
  const tables: readonly TableCheck[] = [
    {
      source: "transactions",
      key: "id",
      columns: ["user_id", "vendor", "channel", "amount", "time"],
      rows: await transactionRows(database),
      online: (keys) =>
        ask(
          transactionRow,
          keys.map((id) => ({ id: BigInt(id) })),
        ),
    },
    {
      source: "customers",
      key: "user_id",
      columns: ["name", "gender", "birth_date", "address", "segment", "created"],
      rows: await customerRows(database),
      online: (keys) =>
        ask(
          customerRow,
          keys.map((user_id) => ({ user_id })),
        ),
    },
  ];
  let compared = 0;
  let rows = 0;
  const differences: string[] = [];
  for (const { source, key, columns, rows: expected, online } of tables) {
    const { open, gone } = await historyRows(lake, source, key, columns);
    const differ = (where: string, one: string, left: unknown, right: unknown): void => {
      compared += columns.length;
      if (!isDeepStrictEqual(left, right))
        differences.push(
          `${source} ${one}: PostgreSQL has ${shown(left)}, ${where} has ${shown(right)}`,
        );
    };
    const served = await online(expected.map((row) => row.key));
    const nothing = columns.map(() => null);
    expected.forEach((row, i) => {
      differ("the history", row.key, row.values, open.get(row.key) ?? null);
      open.delete(row.key);
      // a row without an event time is in no window and is listed as quarantined (law 9)
      const atNoTime = source === "transactions" && row.values.at(-1) === null;
      differ("the online store", row.key, atNoTime ? nothing : row.values, served[i]);
    });
    for (const [one, values] of open) differ("the history", one, null, values);
    const left = await online(gone);
    gone.forEach((one, i) => {
      differ("the online store", one, nothing, left[i]);
    });
    rows += expected.length;
  }
  return { rows, compared, differences };
}

/** Reads the versions table: the current rows, and the keys of deleted rows. */
async function historyRows(
  lake: OfflineStore,
  source: string,
  key: string,
  columns: readonly string[],
): Promise<{ readonly open: Map<string, readonly Value[]>; readonly gone: string[] }> {
  const open = new Map<string, readonly Value[]>();
  const keys = new Set<string>();
  for await (const batch of lake.scan(`${source}/versions`, {
    columns: [key, "_known_to", "_deleted", ...columns],
  })) {
    for (let row = 0; row < batch.length; row++) {
      const [one, knownTo, deleted, ...values] = batch.vectors.map((vector) =>
        valueAt(vector, row),
      );
      keys.add(String(one));
      if (knownTo === null && deleted === false) open.set(String(one), values);
    }
  }
  return { open, gone: [...keys].filter((one) => !open.has(one)) };
}

const shown = (values: unknown): string =>
  values === null ? "no such row" : `(${(values as readonly Value[]).map(String).join(", ")})`;

/** A question about a user's features, with the user's rows of PostgreSQL. */
export interface UserQuestion {
  readonly user_id: string;
  readonly price: string;
  readonly vendor: string;
  readonly at: Date;
  readonly own: readonly TableRow[];
  readonly edge: boolean;
}

/**
 * Asks about these users at these times and at window edges. The edges are the time of a row, which
 * is outside the window, and seven days later, where the row is still inside.
 */
export async function userQuestions(
  database: Pool,
  users: readonly User[],
  moments: readonly Date[],
): Promise<UserQuestion[]> {
  const byUser = new Map<Value, TableRow[]>();
  for (const row of await transactionRows(database)) {
    const [user] = row.values as [Value];
    const own = byUser.get(user);
    if (own === undefined) byUser.set(user, [row]);
    else own.push(row);
  }
  return users.map(withPayment).flatMap((user) => {
    const own = byUser.get(user.user_id) ?? [];
    const times = own.flatMap(({ values: [, , , , time] }) =>
      time === null ? [] : [(time as number) / 1000],
    );
    const edges =
      times.length === 0
        ? []
        : [times[0]!, times[0]! + 7 * DAY, times.at(-1)!, times.at(-1)! + 7 * DAY];
    return [
      ...moments.map((at) => ({ ...user, own, at, edge: false })),
      ...edges.map((at) => ({ ...user, own, at: new Date(at), edge: true })),
    ];
  });
}

/** Checks the seven weekly features, computed from PostgreSQL's rows. */
export async function checkWeekly({
  store,
  questions,
  signal,
}: {
  readonly store: Store;
  readonly questions: readonly UserQuestion[];
  readonly signal?: AbortSignal | undefined;
}): Promise<CheckResult> {
  const fromHistory = await (
    await store.getHistoricalFeatures({
      features: weekly,
      entities: questions.map(({ user_id, at }) => ({ user_id, event_timestamp: at })),
      signal,
    })
  ).rows();
  const differences: string[] = [];
  let compared = 0;
  for (const [i, { user_id, own, at }] of questions.entries()) {
    signal?.throwIfAborted();
    const online = await store.getOnlineFeatures({
      features: weekly,
      entity: { user_id },
      asOf: at,
    });
    for (const [feature, value] of Object.entries(weeklyFromRows(own, at.getTime()))) {
      compared += 2;
      for (const [where, row] of [
        ["the online store", online],
        ["the history", fromHistory[i]!],
      ] as const) {
        const found = row[feature as keyof typeof online];
        if (!Object.is(found, value))
          differences.push(
            `${feature} of ${user_id} at ${at.toISOString()}: ` +
              `${String(value)} from PostgreSQL's rows, ${String(found)} from ${where}`,
          );
      }
    }
  }
  return { compared, differences };
}
