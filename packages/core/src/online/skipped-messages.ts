/**
 * Keeps the counts of messages that gave no change, in a cell of the namespace. Such messages are
 * of no source, so no position of a source covers them.
 */
import { TidemarkError } from "../errors.ts";
import { cellKeys } from "../columns/key-bytes.ts";
import {
  isExpected,
  NotTakenCounts,
  skippedAsNotTaken,
  type NotTaken,
} from "../ingest/not-taken.ts";
import type { SourceSpec } from "../specs.ts";
import type { OnlineStore, SkippedMessages } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";

/** The most partitions and reasons that the cell keeps. */
const ENTRY_LIMIT = 1_000;
const ATTEMPTS = 20;

function skippedKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "skipped", [])([]);
}

const keyOf = ({ topic, reason, first }: SkippedMessages): string =>
  `${reason}\0${topic}:${first.partition}`;

/** Counts the skipped messages of one run, beyond those that earlier runs counted. */
export class SkippedMessageLog {
  private readonly store: OnlineStore;
  private readonly namespace: string;
  /** The counts of earlier runs; read at the first skipped message. */
  private before: ReadonlyMap<string, SkippedMessages> | null = null;
  /** The counts of this run, from its beginning. */
  private readonly counts = new Map<string, SkippedMessages>();
  private readonly unwritten = new Set<string>();

  constructor(store: OnlineStore, namespace: string) {
    this.store = store;
    this.namespace = namespace;
  }

  /** Adds the skipped messages of a batch. */
  async add(skipped: readonly SkippedMessages[]): Promise<void> {
    this.before ??= byKey((await this.stored()).entries);
    for (const entry of skipped) {
      if (isExpected(skippedAsNotTaken(entry))) continue;
      const key = keyOf(entry);
      const known = this.counts.get(key);
      this.counts.set(key, known === undefined ? entry : merged(known, entry));
      this.unwritten.add(key);
    }
  }

  /** Writes what was added since the last call. */
  async flush(): Promise<void> {
    if (this.unwritten.size === 0) return;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { entries, version } = await this.stored();
      const all = byKey(entries);
      for (const key of this.unwritten)
        if (all.has(key) || all.size < ENTRY_LIMIT)
          all.set(key, total(this.before?.get(key), this.counts.get(key)!));
      const cell = {
        key: skippedKey(this.namespace),
        value: encodeJson([...all.values()]),
        expected: version,
        expires: null,
      };
      const step = { source: "", cells: [cell], positions: [] };
      if ((await this.store.write(step)) === "done") return this.unwritten.clear();
    }
    throw new TidemarkError(
      "ONLINE_STORE_CONTENDED",
      `${this.store.name}: ${ATTEMPTS} attempts to count skipped messages met other writers; ` +
        "run fewer runners over one store",
      { retryable: true },
    );
  }

  private async stored(): Promise<{
    readonly entries: readonly SkippedMessages[];
    readonly version: number | null;
  }> {
    const [cell] = await this.store.read([skippedKey(this.namespace)]);
    return cell == null
      ? { entries: [], version: null }
      : { entries: decodeJson(cell.value) as readonly SkippedMessages[], version: cell.version };
  }
}

function byKey(entries: readonly SkippedMessages[]): Map<string, SkippedMessages> {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

/** Adds the count of a run to that of earlier runs. A run may have read the same messages again. */
function total(before: SkippedMessages | undefined, run: SkippedMessages): SkippedMessages {
  if (before === undefined) return run;
  if (run.first.offset > before.last) return merged(before, run);
  return run.last > before.last ? run : before;
}

function merged(known: SkippedMessages, entry: SkippedMessages): SkippedMessages {
  return { ...known, count: known.count + entry.count, last: Math.max(known.last, entry.last) };
}

/**
 * Reads the counts of skipped messages, by topic and reason. Messages that a source took since are
 * left out: their table was declared, or their topic mapped.
 */
export async function skippedMessages(
  store: OnlineStore,
  namespace: string,
  sources: readonly SourceSpec[],
): Promise<readonly NotTaken[]> {
  const taken = new Map<string, number>();
  for (const { name } of sources)
    for (const { partition, offset } of await store.positions(name)) taken.set(partition, offset);
  const entries = (await storedEntries(store, namespace)).filter(
    ({ topic, reason, first, last }) =>
      reason !== "TABLE_NOT_DECLARED" || (taken.get(`${topic}:${first.partition}`) ?? -1) < last,
  );
  return new NotTakenCounts(entries.map(skippedAsNotTaken)).list();
}

/** Finds skipped messages whose table resembles one of these. Null: there are none. */
export async function skippedNear(
  store: OnlineStore,
  namespace: string,
  tables: readonly string[],
): Promise<NotTaken | null> {
  const entries = await storedEntries(store, namespace);
  const near = entries.filter((entry) => entry.near !== undefined && tables.includes(entry.near));
  return new NotTakenCounts(near.map(skippedAsNotTaken)).list()[0] ?? null;
}

async function storedEntries(
  store: OnlineStore,
  namespace: string,
): Promise<readonly SkippedMessages[]> {
  const [cell] = await store.read([skippedKey(namespace)]);
  return cell == null ? [] : (decodeJson(cell.value) as readonly SkippedMessages[]);
}
