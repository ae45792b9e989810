/** Makes a log of orders, and computes the features of any prefix of it without Tidemark. */
import { Random } from "@tidemark/testkit";
import { USERS } from "./order-load.ts";
import type { OrderColumns } from "./order-versions.ts";

/** The columns before and after the change of the definitions: another scale, and a new column. */
export const OLD_COLUMNS: OrderColumns = { scale: 2, code: "text" };
export const NEW_COLUMNS: OrderColumns = { scale: 3, code: "text", fee: "fee" };
/** The features that the change makes or changes. */
export const CHANGED_FEATURES: readonly string[] = ["total", "fees"];

/** The time of every request; all rows are in the window before it. */
export const LOG_AS_OF: Date = new Date("2026-03-01T00:00:00.001Z");
const FIRST_TIME = Date.UTC(2026, 1, 10) * 1000;
const HOUR = 3_600_000_000;

interface Order {
  readonly id: number;
  readonly user_id: string;
  readonly at: number;
  readonly amount: string | null;
  readonly code: string | null;
  readonly fee: string | null;
}

/** A log of one topic with one partition. */
export interface OrderLog {
  /** The messages as `recordedTopic` reads them, at the offsets 0, 1, 2 … */
  readonly lines: readonly string[];
  /** The features of each user over the first messages, as text. */
  expected(
    columns: OrderColumns,
    messages: number,
  ): ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Makes a log of inserts, updates and deletes. */
export function orderLog(seed: number, length: number): OrderLog {
  const random = new Random(seed);
  const cents = (): string | null =>
    random.chance(0.1) ? null : (random.between(-5_000, 500_000) / 100).toFixed(2);
  const rows = new Map<number, Order>();
  const changes: { readonly id: number; readonly after: Order | null }[] = [];
  const lines: string[] = [];
  for (let offset = 0; offset < length; offset++) {
    const existing = random.chance(0.4) && rows.size > 0 ? random.pick([...rows.values()]) : null;
    const before = existing ?? null;
    const deleted = before !== null && random.chance(0.25);
    const after: Order | null = deleted
      ? null
      : {
          id: before?.id ?? offset,
          user_id: random.pick(USERS),
          at: FIRST_TIME + random.int(24 * 15) * HOUR,
          amount: cents(),
          code: random.chance(0.1) ? null : String(random.int(30)),
          fee: cents(),
        };
    const id = (before ?? after)!.id;
    if (after === null) rows.delete(id);
    else rows.set(id, after);
    changes.push({ id, after });
    lines.push(messageOf(offset, id, before, after));
  }
  return {
    lines,
    expected(columns, messages) {
      const now = new Map<number, Order>();
      for (const { id, after } of changes.slice(0, messages)) {
        if (after === null) now.delete(id);
        else now.set(id, after);
      }
      return new Map(USERS.map((user) => [user, featuresOf([...now.values()], user, columns)]));
    },
  };
}

function messageOf(offset: number, id: number, before: Order | null, after: Order | null): string {
  const time = FIRST_TIME + 30 * 24 * HOUR + offset * 1_000_000;
  return JSON.stringify({
    topic: "shop.public.orders",
    partition: 0,
    offset: String(offset),
    timestamp: String(time / 1000),
    key: JSON.stringify({ id }),
    value: JSON.stringify({
      before: after === null ? before : null,
      after,
      source: { schema: "public", table: "orders", lsn: 1_000 + offset, ts_us: time },
      op: after === null ? "d" : before === null ? "c" : "u",
    }),
    headers: {},
  });
}

/** Adds in whole cents, so that no digit is lost. */
function featuresOf(
  rows: readonly Order[],
  user: string,
  { scale, fee }: OrderColumns,
): Readonly<Record<string, string>> {
  const own = rows.filter(({ user_id }) => user_id === user);
  const sum = (values: readonly (string | null)[], digits: number): string => {
    const total = values.reduce((all, one) => all + BigInt((one ?? "0.00").replace(".", "")), 0n);
    const text = String(total < 0n ? -total : total).padStart(3, "0");
    const zeros = "0".repeat(digits - 2);
    return `${total < 0n ? "-" : ""}${text.slice(0, -2)}.${text.slice(-2)}${zeros}`;
  };
  return {
    num: String(own.length),
    total: sum(
      own.map(({ amount }) => amount),
      scale,
    ),
    codes: String(new Set(own.flatMap(({ code }) => (code === null ? [] : [code]))).size),
    ...(fee === undefined
      ? {}
      : {
          fees: sum(
            own.map((one) => one.fee),
            2,
          ),
        }),
  };
}
