/**
 * Simulates a database and its connector: transactions over tables, and the resulting messages in
 * the order of commits.
 */
import type { Value } from "../../../packages/core/src/specs.ts";
import { unreadableCellOf, cellOf, type Cell } from "./cells.ts";
import { DAY, type GeneratedTable, type GeneratedDefinitions } from "./definitions.ts";
import { tagsOf, type Message, type Tag, type ScenarioTraits } from "./messages.ts";
import { textOfAll } from "../oracle/values.ts";
import type { Random } from "./random.ts";

interface DatabaseRow {
  readonly table: GeneratedTable;
  readonly key: readonly Cell[];
  row: readonly Cell[];
  /** True if the log has carried the values of the columns that it may leave out. */
  knownToLog: boolean;
}

interface Transaction {
  readonly id: number;
  readonly ops: Omit<Message, "committed" | "transaction" | "lastCommit">[];
  /** The rows that the transaction has changed, as they were before it. */
  readonly locks: Map<string, DatabaseRow | undefined>;
  overlapped: boolean;
}

/** The messages of a simulated database. */
export interface DatabaseLog {
  readonly messages: readonly Message[];
  /** Every commit time, in µs. */
  readonly commits: readonly number[];
}

/** Simulates a database, and returns its messages. */
export function runDatabase(
  random: Random,
  definitions: GeneratedDefinitions,
  traits: ScenarioTraits,
  start: number,
): DatabaseLog {
  const messages: Message[] = [];
  const commits: number[] = [];
  const rows = new Map<string, DatabaseRow>();
  const deleted = new Map<
    string,
    { readonly table: GeneratedTable; readonly key: readonly Cell[] }
  >();
  const open: Transaction[] = [];
  const times: number[] = [start];
  let clock = start;
  let lsn = 26_655_416n;
  let lastCommit = lsn;
  let transactions = 740;
  let keys = 0;
  let columnAdded = false;
  let gapOpen = false;

  const tick = (): void => {
    clock += random.pick([
      0,
      1,
      1000,
      random.int(2_000_000),
      random.int(120_000_000),
      random.int(3_600_000_000),
      random.int(DAY),
    ]);
  };
  const nextLsn = (): bigint => {
    lsn += BigInt(8 * random.between(1, 40));
    return lsn;
  };
  const idOf = (table: GeneratedTable, key: readonly Cell[]): string =>
    `${table.source.name}: ${textOfAll(key.map((cell) => cell.value))}`;
  const locked = (id: string): boolean => open.some((transaction) => transaction.locks.has(id));
  const cell = (table: GeneratedTable, i: number, value: Value): Cell =>
    cellOf(random, table, i, value, traits.shape);
  const extraOf = (table: GeneratedTable, key: readonly Cell[]): string | null => {
    if (!columnAdded) return null;
    // A dimension gets no image that differs in an undeclared column alone: the laws do not say
    // whether it is a version.
    return table.time < 0
      ? JSON.stringify(idOf(table, key))
      : random.pick(["12345678901234567890", "null", '"app"', '{"deep":[1.50]}']);
  };

  const freshKey = (table: GeneratedTable): Cell[] => {
    const again = [...deleted.values()].filter(
      (one) => one.table === table && !locked(idOf(table, one.key)),
    );
    if (again.length > 0 && random.chance(0.35)) return [...random.pick(again).key];
    for (;;) {
      keys += 1;
      const key = table.key.map((i) => cell(table, i, keyValue(random, table, i, keys)));
      const id = idOf(table, key);
      if (!rows.has(id) && !locked(id)) return key;
    }
  };
  const eventTime = (): number => {
    const length = random.pick(definitions.lengths);
    const near = random.pick([-1, 0, 0, 0, 1]);
    const time = random.weighted({
      again: 30,
      now: 30,
      late: 14,
      edge: 16,
      future: 4,
      midnight: 6,
    });
    const chosen =
      time === "again"
        ? random.pick(times)
        : time === "now"
          ? clock - random.int(3_600_000_000)
          : time === "late"
            ? clock - random.int(30 * DAY)
            : time === "edge"
              ? random.pick(times) + random.pick([length, -length]) + near
              : time === "future"
                ? clock + random.int(3 * DAY)
                : Math.floor(clock / DAY) * DAY + near;
    times.push(chosen);
    return chosen;
  };
  const randomCell = (table: GeneratedTable, i: number): Cell => {
    const column = table.source.columns[i]!;
    const optional = !table.key.includes(i);
    if (i === table.time || column.name === "created" || column.name === "since") {
      if (random.chance(0.05)) return cell(table, i, null);
      if (table.time >= 0 && random.chance(0.06)) {
        const bad = unreadableCellOf(random, table, i, traits.shape);
        if (bad !== null) return bad;
      }
      return cell(
        table,
        i,
        i === table.time
          ? eventTime()
          : random.chance(0.6)
            ? random.pick(times)
            : clock - random.int(10 * DAY),
      );
    }
    if (optional && random.chance(table.entityColumns.includes(i) ? 0.05 : 0.12))
      return cell(table, i, null);
    if (
      optional &&
      table.time >= 0 &&
      !table.entityColumns.includes(i) &&
      random.chance(table.source.columns[i]!.type === "decimal" ? 0.35 : 0.25)
    ) {
      const bad = unreadableCellOf(random, table, i, traits.shape);
      if (bad !== null) return bad;
    }
    const value = random.pick(table.pools[i]!);
    return cell(table, i, table.time < 0 && Object.is(value, -0) ? 0 : value);
  };
  const randomRow = (table: GeneratedTable, key: readonly Cell[]): Cell[] =>
    table.source.columns.map((_, i) =>
      table.key.includes(i) ? key[table.key.indexOf(i)]! : randomCell(table, i),
    );

  const changed = (row: DatabaseRow): { row: Cell[]; tags: Tag[]; touched: Set<number> } => {
    const { table } = row;
    const what = random.weighted({
      value: 45,
      entity: 20,
      time: table.time < 0 ? 0 : 20,
      equal: 7,
      all: 8,
    });
    const candidates = table.source.columns.map((_, i) => i).filter((i) => !table.key.includes(i));
    const touched = new Set(
      what === "all"
        ? candidates
        : what === "entity"
          ? [random.pick(table.entityColumns)]
          : what === "time"
            ? [table.time]
            : what === "equal"
              ? []
              : random.sample(
                  candidates.filter((i) => i !== table.time),
                  random.between(1, 3),
                ),
    );
    const next = row.row.map((old, i) => (touched.has(i) ? randomCell(table, i) : old));
    const moved = (i: number): boolean =>
      textOfAll([next[i]!.value]) !== textOfAll([row.row[i]!.value]);
    const tags: Tag[] = ["update"];
    if (table.entityColumns.some(moved)) tags.push("entity move");
    if (table.time >= 0 && moved(table.time)) tags.push("time move");
    if (!candidates.some(moved)) tags.push("equal update");
    return { row: next, tags, touched };
  };

  const op = (
    transaction: Transaction,
    message: {
      readonly table: GeneratedTable;
      readonly op: Message["op"];
      readonly key: readonly Cell[];
      readonly row: readonly Cell[] | null;
      readonly tags: readonly Tag[];
    } & Partial<Pick<Message, "unavailable" | "oldKey" | "newKey" | "broken" | "lsn">>,
  ): void => {
    const at = message.lsn ?? nextLsn();
    const id = idOf(message.table, message.key);
    const row = rows.get(id);
    if (!transaction.locks.has(id))
      transaction.locks.set(id, row === undefined ? undefined : { ...row });
    transaction.ops.push({
      unavailable: [],
      oldKey: null,
      newKey: null,
      broken: false,
      snapshot: "false",
      extra: extraOf(message.table, message.key),
      ...message,
      lsn: traits.withoutLsn ? null : at,
      order: at,
    });
  };
  const insert = (
    transaction: Transaction,
    table: GeneratedTable,
    key: readonly Cell[],
    tags: readonly Tag[],
  ): void => {
    const row = randomRow(table, key);
    const id = idOf(table, key);
    op(transaction, {
      table,
      op: "c",
      key,
      row,
      tags: [...tags, ...(deleted.has(id) ? ["delete and reinsert" as const] : [])],
    });
    rows.set(id, { table, key, row, knownToLog: true });
    deleted.delete(id);
  };
  const update = (transaction: Transaction, row: DatabaseRow): void => {
    const { table } = row;
    const { row: next, tags, touched } = changed(row);
    const broken = traits.unreadableMessages && random.chance(0.05);
    const unavailableColumns =
      traits.toastMarkers && !broken ? table.toast.filter((i) => !touched.has(i)) : [];
    if (unavailableColumns.length > 0) tags.push("placeholder");
    if (unavailableColumns.length > 0 && !row.knownToLog) tags.push("placeholder unresolved");
    // An undecodable message hides its content, so the next message carries every column.
    if (broken) {
      op(transaction, {
        table,
        op: "u",
        key: row.key,
        row: next,
        tags: ["unreadable message"],
        broken,
      });
      row.knownToLog = false;
      row.row = next;
      return;
    }
    const sendsAll =
      !row.knownToLog &&
      (unavailableColumns.length === 0 || random.chance(0.5) || lastWasUndecodable(row));
    const unavailable = sendsAll ? [] : unavailableColumns;
    op(transaction, {
      table,
      op: "u",
      key: row.key,
      row: next,
      unavailable,
      tags: unavailable.length > 0 ? tags : tags.filter((tag) => !tag.startsWith("placeholder")),
    });
    if (unavailable.length === 0) row.knownToLog = true;
    row.row = next;
  };
  /** Returns true if the last message or transaction of the row was undecodable. */
  const lastWasUndecodable = (row: DatabaseRow): boolean => {
    const id = idOf(row.table, row.key);
    const all = [...messages, ...open.flatMap((transaction) => transaction.ops)].filter(
      (m) => m.key !== null && m.table === row.table && idOf(m.table, m.key) === id,
    );
    return all.some((m) => m.broken);
  };
  const remove = (transaction: Transaction, row: DatabaseRow, tags: readonly Tag[] = []): void => {
    op(transaction, {
      table: row.table,
      op: "d",
      key: row.key,
      row: null,
      tags: ["delete", ...tags],
    });
    rows.delete(idOf(row.table, row.key));
    deleted.set(idOf(row.table, row.key), { table: row.table, key: row.key });
  };
  const changeKey = (transaction: Transaction, row: DatabaseRow): void => {
    const { table } = row;
    const key = freshKey(table);
    const id = idOf(table, key);
    const { row: content } = random.chance(0.5) ? changed(row) : { row: row.row };
    const next = content.map((old, i) =>
      table.key.includes(i) ? key[table.key.indexOf(i)]! : old,
    );
    const at = nextLsn();
    const tags: Tag[] = [
      "key change",
      ...(deleted.has(id) ? ["delete and reinsert" as const] : []),
    ];
    op(transaction, { table, op: "d", key: row.key, row: null, newKey: key, lsn: at, tags });
    op(transaction, { table, op: "c", key, row: next, oldKey: row.key, lsn: at, tags });
    rows.delete(idOf(table, row.key));
    deleted.set(idOf(table, row.key), { table, key: row.key });
    deleted.delete(id);
    rows.set(id, { table, key, row: next, knownToLog: true });
  };

  const step = (transaction: Transaction): void => {
    const mine = [...rows.values()].filter((row) => {
      const id = idOf(row.table, row.key);
      return !locked(id) || transaction.locks.has(id);
    });
    const what =
      mine.length < 4
        ? "insert"
        : random.weighted({
            insert: 30,
            update: 42,
            delete: 8,
            key: 9,
            again: 4,
            never: 3,
            twice: 6,
          });
    const table = random.pick([...definitions.tables, definitions.tables[0]!]);
    const row = mine.length === 0 ? null : random.pick(mine);
    if (what === "insert") insert(transaction, table, freshKey(table), ["insert"]);
    else if (what === "update") update(transaction, row!);
    else if (what === "delete") remove(transaction, row!);
    else if (what === "key") changeKey(transaction, row!);
    else if (what === "again") {
      remove(transaction, row!, ["delete and reinsert"]);
      insert(transaction, row!.table, row!.key, ["delete and reinsert"]);
    } else if (what === "never") {
      const key = freshKey(table);
      insert(transaction, table, key, ["insert then delete"]);
      remove(transaction, rows.get(idOf(table, key))!, ["insert then delete"]);
    } else {
      update(transaction, row!);
      update(transaction, row!);
    }
  };

  const send = (message: Message): void => {
    const { table } = message;
    if (gapOpen) return;
    messages.push({
      ...message,
      tags: [
        ...new Set([
          ...message.tags,
          ...tagsOf(message),
          ...(traits.millisecondsOnly ? ["milliseconds only" as const] : []),
        ]),
      ],
    });
    if (message.key === null) return;
    const row = rows.get(idOf(table, message.key));
    if (row !== undefined && message.op === "r" && !locked(idOf(table, message.key)))
      row.knownToLog = true;
  };
  const commit = (transaction: Transaction): void => {
    open.splice(open.indexOf(transaction), 1);
    if (transaction.ops.length === 0) return;
    tick();
    const back =
      traits.clockGoesBack && random.chance(0.5)
        ? random.pick([1, 1000, random.int(3_600_000_000), random.int(DAY)])
        : 0;
    const committed = clock - back;
    commits.push(committed);
    const end = nextLsn();
    for (const one of transaction.ops) {
      send({
        ...one,
        committed,
        transaction: transaction.id,
        lastCommit,
        tags: [
          ...one.tags,
          ...(transaction.ops.length > 1 ? ["several changes in one transaction" as const] : []),
          ...(transaction.overlapped ? ["concurrent transactions" as const] : []),
          ...(back > 0 ? ["commit clock went back" as const] : []),
        ],
      });
    }
    lastCommit = end;
  };
  const commitAll = (): void => {
    while (open.length > 0) commit(random.pick(open));
  };
  const snapshotRow = (
    row: DatabaseRow,
    i: number,
    count: number,
    at: { readonly lsn: bigint; readonly time: number },
    tags: readonly Tag[],
  ): void => {
    send({
      table: row.table,
      op: "r",
      key: row.key,
      row: row.row,
      unavailable: [],
      oldKey: null,
      newKey: null,
      broken: false,
      extra: extraOf(row.table, row.key),
      lastCommit: null,
      order: at.lsn,
      lsn: traits.withoutLsn ? null : at.lsn,
      committed: at.time,
      transaction: transactions,
      tags: ["snapshot row", ...tags],
      snapshot:
        i === count - 1 ? "last_in_data_collection" : i === 0 ? "first_in_data_collection" : "true",
    });
  };
  const snapshot = (tags: readonly Tag[]): void => {
    commitAll();
    tick();
    commits.push(clock);
    const at = { lsn: nextLsn(), time: clock };
    lastCommit = at.lsn;
    for (const table of definitions.tables) {
      const all = [...rows.values()].filter((row) => row.table === table);
      all.forEach((row, i) => {
        snapshotRow(row, i, all.length, at, tags);
      });
    }
    if (random.chance(0.8)) tick();
    clock += 1;
  };
  const incrementalSnapshot = (): void => {
    const table = random.pick(definitions.tables);
    const committed = [...rows.values()].filter((row) => !locked(idOf(row.table, row.key)));
    if (traits.readsOpenRows)
      committed.push(...open.flatMap(({ locks }) => [...locks.values()]).filter(isPresent));
    const all = committed.filter((row) => row.table === table);
    // The signal's own transaction advances the log, so two readings of a row never have the same
    // order.
    lastCommit = nextLsn();
    tick();
    for (const row of random.sample(all, random.between(1, 10))) {
      clock += random.pick([0, 1, 327]);
      commits.push(clock);
      send({
        table,
        op: "r",
        key: row.key,
        row: row.row,
        unavailable: [],
        oldKey: null,
        newKey: null,
        broken: false,
        extra: extraOf(table, row.key),
        lsn: null,
        lastCommit,
        order: lastCommit,
        committed: clock,
        transaction: null,
        snapshot: "incremental",
        tags: ["incremental snapshot row"],
      });
    }
    clock += 1;
  };
  const truncate = (): void => {
    const table = random.pick(definitions.tables);
    commitAll();
    tick();
    commits.push(clock);
    const at = nextLsn();
    for (const [id, row] of rows)
      if (row.table === table) {
        rows.delete(id);
        deleted.set(id, row);
      }
    send({
      table,
      op: "t",
      key: null,
      row: null,
      unavailable: [],
      oldKey: null,
      newKey: null,
      broken: false,
      extra: null,
      lsn: traits.withoutLsn ? null : at,
      lastCommit,
      order: at,
      committed: clock,
      transaction: transactions,
      snapshot: "false",
      tags: ["truncate"],
    });
    lastCommit = nextLsn();
  };

  if (traits.before !== "nothing") {
    for (const table of definitions.tables) {
      for (let i = random.between(3, 8); i > 0; i--) {
        const key = freshKey(table);
        rows.set(idOf(table, key), { table, key, row: randomRow(table, key), knownToLog: false });
      }
    }
    if (traits.before === "snapshot") snapshot([]);
  }
  const truncateAt = traits.truncates ? random.int(traits.changes) : -1;
  const gapAt = traits.gap ? random.int(traits.changes) : -1;
  const columnAt = random.chance(0.5) ? random.int(traits.changes) : Infinity;
  for (let i = 0; i < traits.changes; i++) {
    if (i === truncateAt) truncate();
    if (i === gapAt) {
      commitAll();
      gapOpen = true;
    }
    if (gapOpen && random.chance(0.3)) {
      commitAll();
      gapOpen = false;
      snapshot(["snapshot after a gap"]);
    }
    if (i >= columnAt) columnAdded = true;
    if (traits.incremental && random.chance(0.05) && !gapOpen) incrementalSnapshot();
    if (open.length === 0 || (open.length < 3 && random.chance(0.25) && !traits.serial)) {
      transactions += 1;
      open.push({ id: transactions, ops: [], locks: new Map(), overlapped: false });
      if (open.length > 1) for (const transaction of open) transaction.overlapped = true;
    }
    const transaction = random.pick(open);
    step(transaction);
    if (random.chance(0.6)) commit(transaction);
  }
  commitAll();
  if (gapOpen) {
    gapOpen = false;
    snapshot(["snapshot after a gap"]);
  }
  return { messages, commits };
}

function isPresent(row: DatabaseRow | undefined): row is DatabaseRow {
  return row !== undefined;
}

function keyValue(random: Random, table: GeneratedTable, i: number, n: number): Value {
  const column = table.source.columns[i]!;
  if (column.name === "part") return random.pick(table.pools[i]!);
  switch (column.type) {
    case "string":
      return random.pick([`k${n}`, `${n}`, `😀${n}`, `\uFFFD${n}`, `K-${n} é`]);
    case "int64":
      return random.chance(0.3)
        ? 9007199254740992n + BigInt(n)
        : BigInt(random.chance(0.2) ? -n : n);
    case "decimal":
      return BigInt(random.chance(0.2) ? -n : n);
    default:
      return random.chance(0.2) ? -n : n;
  }
}
