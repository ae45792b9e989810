/**
 * Finds rows that a wrong primary key confuses. The key of a message of Debezium is the key of its
 * row in the table. Two rows of the table with one declared key replace each other.
 */
import { JsonMembers } from "../row-formats/debezium/json-text.ts";
import { isRetried } from "../rows/retried.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, KeyConflict } from "../spi.ts";

/** Finds the conflict of one change. Changes come in the order of their partition. */
export interface KeyConflicts {
  of(change: Change): KeyConflict | undefined;
  /** Forgets what was seen. */
  restart(): void;
}

/** The rows of a source whose keys are remembered. Later rows are compared with these. */
const MAX_ROWS = 10_000;
/** The longest key that is remembered, in characters. */
const MAX_KEY = 200;
/** The messages of a partition after which its keys are taken to be right. */
const MAX_LOOKED = 200_000;
/** The messages of one format that must have the declared key. */
const MAX_EQUAL = 1_000;
/** The created rows, each with a message key of its own, that show that this key is the table's. */
const MIN_CREATED = 20;
/** The updates that change the declared key before they are told. Another key may be right. */
const MIN_CHANGED = 3;
/** The longest key in an example, in characters. */
const EXAMPLE_LIMIT = 80;

/** What a declared key or a message key was last seen with. */
interface Seen {
  readonly other: string;
  readonly order: bigint;
  readonly isSnapshot: boolean;
}

interface PartitionKeys {
  /** The highest order so far. A change below it is delivered again. */
  highest: bigint | null;
  looked: number;
  readonly byDeclared: Map<string, Seen>;
  readonly byMessage: Map<string, Seen>;
}

/** Makes the finder for one source. */
export function keyConflicts(source: SourceSpec): KeyConflicts {
  const members = new JsonMembers();
  const ofOrigin = new Set(source.keyFrom?.map(({ column }) => column) ?? []);
  const columns = source.primaryKey.map((name) => source.columns.findIndex((c) => c.name === name));
  const declared = source.primaryKey.flatMap((name, k) =>
    ofOrigin.has(name) ? [] : [source.columns[columns[k]!]!.database],
  );
  const keyColumn = source.primaryKey.join(", ");
  const partitions = new Map<string, PartitionKeys>();
  let equal = { format: "", count: 0 };
  let rows = 0;
  let found = 0;
  let changed = 0;
  let created = 0;
  /** The order of the newest truncate. */
  let truncated: bigint | null = null;
  /** Two rows have one message key, so that it is not the key of the table. */
  let messageKeyRepeats = false;

  const restart = (): void => {
    partitions.clear();
    rows = 0;
  };
  /** Forgets the rows. The orders stay, so that changes that are delivered again are known. */
  const forgetRows = (): void => {
    for (const { byDeclared, byMessage } of partitions.values()) {
      byDeclared.clear();
      byMessage.clear();
    }
    rows = 0;
  };
  const forget = (map: Map<string, Seen>, key: string): void => {
    if (map.delete(key)) rows--;
  };
  const remember = (map: Map<string, Seen>, key: string, seen: Seen): void => {
    if (!map.has(key)) {
      if (rows >= MAX_ROWS) return;
      rows++;
    }
    map.set(key, seen);
  };

  /** Gives the names of the key's columns; null: the key is no object. */
  const namesOf = (key: string): readonly string[] | null => {
    if (members.scan(key, 0) < 0) return null;
    // A router may add a member that names the table, such as __dbz__physicalTableIdentifier.
    return Array.from({ length: members.length }, (_, i) => members.key(i)).filter(
      (name) => !name.startsWith("__"),
    );
  };

  const isDeclared = (key: string, format: string): boolean => {
    if (equal.format !== format) equal = { format, count: 0 };
    if (equal.count >= MAX_EQUAL) return true;
    const names = namesOf(key);
    const is =
      names !== null &&
      names.length === declared.length &&
      names.every((name) => declared.includes(name));
    if (is) equal.count++;
    return is;
  };

  /** Whether the declared key has columns besides those of the message key. */
  const isWider = (key: string): boolean => {
    const names = namesOf(key);
    return (
      names !== null &&
      names.length > 0 &&
      names.length < declared.length &&
      names.every((name) => declared.includes(name))
    );
  };

  /** The columns of the key that rows of the format repeat, unless they are the declared ones. */
  let repeated: { readonly format: string; readonly names: readonly string[] | null } | null = null;
  /** Gives the text of the message key. A log leaves it out where the row repeats it. */
  const keyOf = ({ logged }: Change): string | null => {
    if (logged === undefined) return null;
    const { key, row, format } = logged;
    if (key !== null || row === null) return key;
    if (repeated?.format !== format) {
      const { keyMembers = null } = JSON.parse(format) as { keyMembers?: readonly string[] | null };
      const isOther = keyMembers?.every((name) => declared.includes(name)) !== true;
      const isWhole = keyMembers?.length === declared.length;
      repeated = { format, names: isOther || !isWhole ? keyMembers : null };
    }
    const { names } = repeated;
    if (names === null || members.scan(row, 0) < 0) return null;
    const texts = names.map((name) => `${JSON.stringify(name)}:${valueText(members, name)}`);
    return `{${texts.join(",")}}`;
  };

  return {
    restart,
    of(change) {
      const { kind, logged, order, op, topic, values } = change;
      if (kind === "truncate") {
        forgetRows();
        if (order !== null && (truncated === null || order > truncated)) truncated = order;
      }
      if (kind === "none" && change.undecodable !== null && op === "d") forgetRows();
      if ((kind !== "upsert" && kind !== "delete") || values === null || isRetried(topic))
        return undefined;
      const key = keyOf(change);
      if (key === null || key.length > MAX_KEY || isDeclared(key, logged!.format)) return undefined;
      const own = columns.map((c) => String(values[c])).join("\0");
      const partition = `${topic}:${change.partition}`;
      let keys = partitions.get(partition);
      if (keys === undefined) {
        if (partitions.size >= MAX_ROWS) return undefined;
        keys = { highest: null, looked: 0, byDeclared: new Map(), byMessage: new Map() };
        partitions.set(partition, keys);
      }
      const { byDeclared, byMessage } = keys;
      if (kind === "delete") {
        forget(byDeclared, own);
        forget(byMessage, key);
        if (order !== null && (keys.highest === null || order > keys.highest)) keys.highest = order;
        return undefined;
      }
      if (keys.looked >= MAX_LOOKED && found === 0) return undefined;
      keys.looked++;
      if (order === null || own.length > MAX_KEY) return undefined;
      const isSnapshot = op === "r";
      // A change at or below the highest order is delivered again. Rows of a snapshot share one.
      if (truncated !== null && order <= truncated) return undefined;
      if (keys.highest !== null && (isSnapshot ? order < keys.highest : order <= keys.highest))
        return undefined;
      keys.highest = order;
      const isCreated = op === "c" || isSnapshot;
      /** Whether a row that was seen with the key is in the table together with this row. */
      const isBeside = (seen: Seen | undefined, other: string): seen is Seen =>
        seen !== undefined &&
        seen.other !== other &&
        (isSnapshot ? seen.isSnapshot && seen.order === order : op === "c") &&
        change.oldKey === null;
      const row = byDeclared.get(own);
      const before = byMessage.get(key);
      if (isBeside(before, own)) messageKeyRepeats = true;
      else if (isCreated && before === undefined) created++;
      remember(byDeclared, own, { other: key, order, isSnapshot });
      remember(byMessage, key, { other: own, order, isSnapshot });
      if (isBeside(row, key)) {
        found++;
        return {
          column: keyColumn,
          reason: "PRIMARY_KEY_NOT_UNIQUE",
          message:
            `two rows of the table have one value of the primary key (${keyColumn}), so one ` +
            `replaces the other: ${example(row.other)} and ${example(key)}. Declare the primary ` +
            `key of the table${namesText(namesOf(key))}`,
        };
      }
      const isChanged = op === "u" && before !== undefined && before.other !== own;
      if (!isChanged || change.oldKey !== null || !isWider(key)) return undefined;
      if (messageKeyRepeats || created < MIN_CREATED || ++changed < MIN_CHANGED) return undefined;
      found++;
      return {
        column: keyColumn,
        reason: "PRIMARY_KEY_CHANGES",
        message:
          `an update gave the row ${example(key)} another value of the primary key ` +
          `(${keyColumn}), so the table's row is kept twice. Declare the primary key of the ` +
          `table${namesText(namesOf(key))}`,
      };
    },
  };
}

function valueText(members: JsonMembers, name: string): string {
  const i = members.find(name);
  return i < 0 ? "null" : members.raw(i);
}

const example = (key: string): string =>
  key.length <= EXAMPLE_LIMIT ? key : `${key.slice(0, EXAMPLE_LIMIT)}…`;

const namesText = (names: readonly string[] | null): string =>
  names === null || names.length === 0
    ? ""
    : `; the key of the messages has the columns ${names.join(", ")}`;
