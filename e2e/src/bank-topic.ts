/**
 * Generates a bank's topic and the final rows of its table: values that only exact readers keep,
 * and rows that come late, change and are deleted.
 */
import { Random } from "@tidemark/testkit";

export interface BankRow {
  readonly id: bigint;
  readonly user: string | null;
  readonly vendor: string | null;
  readonly channel: string | null;
  /** The amount as JSON: a number, or the text that Debezium writes for NaN. */
  readonly amount: number | "NaN" | null;
  readonly points: bigint | null;
  readonly fee: string | null;
  /** The event time in µs. */
  readonly time: number;
}

export interface BankTopic {
  readonly lines: readonly string[];
  readonly changes: number;
  /** The final rows of the table, by id. */
  readonly rows: readonly BankRow[];
  /** The times of the first and of the last commit, in µs. */
  readonly from: number;
  readonly to: number;
}

export const BANK_USERS: readonly string[] = ["ana", "bo's", "çağla", 'Ἀ "d"', "e"];

const FIRST_ID = 2n ** 53n + 1n;
const START = Date.UTC(2025, 5, 1) * 1000;
const DAY = 86_400_000_000;
const DAYS = 30;
const VENDORS = ["Grocery", "grocery", "Café ☕", "", "O'Hara", "日本"];
const ODD_AMOUNTS = [
  0.1,
  0.2,
  -0,
  5e-324,
  1e15 + 0.125,
  -1e15,
  1 / 3,
  1e-12,
  123456789.00000001,
  "NaN",
] as const;

/** Makes the topic. `odd`: the amounts of a fifth of the rows. */
export function bankTopic(
  seed: number,
  count: number,
  odd: readonly (number | "NaN")[] = ODD_AMOUNTS,
): BankTopic {
  const random = new Random(seed);
  const rows = new Map<bigint, BankRow>();
  const lines: string[] = [];
  let lsn = 1_000n;
  let commit = START;
  let next = FIRST_ID;
  const any = <T>(make: () => T): T | null => (random.chance(0.1) ? null : make());
  const cents = (): string =>
    `${random.chance(0.2) ? "-" : ""}${random.int(10 ** 9)}` +
    `.${String(random.int(100)).padStart(2, "0")}`;
  const made = (id: bigint): BankRow => {
    // some times are midnight to the microsecond, some a week before the commit, some tomorrow
    const time = random.chance(0.1)
      ? Math.floor(commit / DAY) * DAY
      : commit -
        random.int(DAY / 2) -
        (random.chance(0.05) ? 7 * DAY : 0) +
        (random.chance(0.02) ? DAY : 0);
    return {
      id,
      user: random.chance(0.02) ? null : random.pick(BANK_USERS),
      vendor: any(() => random.pick(VENDORS)),
      channel: any(() => random.pick(["card", "cash", "wire"])),
      amount: any(() => (random.chance(0.2) ? random.pick(odd) : random.int(1_000_000) / 97)),
      points: any(() =>
        random.chance(0.3)
          ? 2n ** 53n + BigInt(random.int(1000)) * 2n + 1n
          : BigInt(random.int(100)),
      ),
      fee: any(cents),
      time,
    };
  };

  for (let i = 0; i < count; i++) {
    commit += Math.floor((DAYS * DAY) / count);
    lsn += 8n;
    const kind = rows.size > 20 ? random.weighted({ create: 8, update: 3, delete: 1 }) : "create";
    const known = kind === "create" ? null : random.pick([...rows.keys()]);
    const after =
      kind === "delete"
        ? null
        : kind === "update"
          ? {
              ...rows.get(known!)!,
              ...(random.chance(0.5) ? made(known!) : { amount: random.int(1000) / 7 }),
            }
          : made(next++);
    const id = known ?? after!.id;
    if (after === null) rows.delete(id);
    else rows.set(id, after);
    lines.push(
      line(i, commit, lsn, kind === "create" ? "c" : kind === "update" ? "u" : "d", id, after),
    );
  }
  return {
    lines,
    changes: count,
    rows: [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    from: START,
    to: commit,
  };
}

/** Writes JSON by hand, because `JSON.stringify` refuses a bigint. */
function line(
  offset: number,
  commit: number,
  lsn: bigint,
  op: string,
  id: bigint,
  after: BankRow | null,
): string {
  const image = (row: BankRow): string =>
    `{"id":${row.id},"User ID":${JSON.stringify(row.user)},` +
    `"Vendor":${JSON.stringify(row.vendor)},"Sources":${JSON.stringify(row.channel)},` +
    `"Amount":${JSON.stringify(row.amount)},"Points":${row.points},` +
    `"Fee":${JSON.stringify(row.fee)},"Time":${JSON.stringify(timeText(row.time))}}`;
  const ms = Math.floor(commit / 1000);
  const value =
    (after === null
      ? `{"before":{"id":${id}},"after":null`
      : `{"before":null,"after":${image(after)}`) +
    `,"source":{"connector":"postgresql","name":"bank","ts_ms":${ms},"ts_us":${commit},` +
    '"snapshot":"false","db":"bank","schema":"public","table":"transaction_data",' +
    `"txId":${offset + 1},"lsn":${lsn}},"op":"${op}","ts_ms":${ms + 20}}`;
  return JSON.stringify({
    topic: "bank.public.transaction_data",
    partition: 0,
    offset,
    timestamp: ms + 30,
    key: `{"id":${id}}`,
    value,
    headers: {},
  });
}

function timeText(micros: number): string {
  const seconds = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19).replace("T", " ");
  return `${seconds}.${String(((micros % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, "0")}`;
}
