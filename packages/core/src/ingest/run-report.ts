/** Counts what a run took of its messages, and what it did not take. */
import { TidemarkError } from "../errors.ts";
import { eventTimeIndex } from "../rows/row-change.ts";
import { tablesOf } from "../rows/source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, ChangeBatch } from "../spi.ts";
import {
  NotTakenCounts,
  notTakenIn,
  notTakenPlace,
  skippedAsNotTaken,
  type NotTaken,
  type NotTakenIn,
} from "./not-taken.ts";
import { SourceFit, type SourceMismatch } from "./source-fit.ts";
import type { TextColumn } from "./text-columns.ts";

/** The entity keys under which each source's rows are stored, by source name. */
export type EntityKeysOf = ReadonlyMap<
  string,
  readonly { readonly keyIndexes: readonly number[] }[]
>;

export interface RunReportOptions {
  readonly sources: readonly SourceSpec[];
  readonly entityKeys: EntityKeysOf;
  /** The sources of which something is stored. */
  readonly begun: ReadonlySet<string>;
  /** Whether the change source ends by itself. */
  readonly bounded: boolean;
  readonly unreadable: "stop" | "keep";
  /** Whether a history keeps the bytes of undecodable messages. */
  readonly keepsBytes: boolean;
  /** Called for the first of each kind, reason and column. */
  readonly onNotTaken: ((first: NotTaken) => void) | undefined;
  /** The columns that a key, a time or a feature reads, by source name. */
  readonly neededColumns: ReadonlyMap<string, ReadonlySet<string>>;
  /** Called once for each column and reason that most rows of a source have. */
  readonly onMismatch: ((mismatch: SourceMismatch) => void) | undefined;
  /** The share of the first rows that may be unusable. "ignore": the rows are not judged. */
  readonly mismatch: number | "ignore";
}

/** Undecodable messages after which a new source of an endless log is unreadable. */
const SOME = 10;
/** Undecodable messages after which a source is unreadable although it had begun. */
const MANY = 100;

interface SourceCounts {
  readonly fit: SourceFit;
  readonly tables: readonly string[];
  changes: number;
  readable: number;
  undecodable: number;
  first: NotTaken | null;
}

/** Counts the messages of one run. Each message gives one change, or is skipped. */
export class RunReport {
  messages = 0;
  changes = 0;
  private readonly counts = new NotTakenCounts();
  private readonly finders = new Map<string, NotTakenIn>();
  private readonly sources = new Map<string, SourceCounts>();
  private readonly options: RunReportOptions;
  /** The declared tables that the tables of skipped messages resemble. */
  private readonly near = new Set<string>();

  constructor(options: RunReportOptions) {
    this.options = options;
    for (const source of options.sources) {
      this.finders.set(source.name, notTakenIn(source, options.entityKeys.get(source.name) ?? []));
      const fit = new SourceFit({
        source: source.name,
        needed: options.neededColumns.get(source.name) ?? new Set(),
        textColumns: textColumnsOf(source, options.entityKeys.get(source.name) ?? []),
        eventTime: eventTimeIndex(source),
        onMismatch: (mismatch) => options.onMismatch?.(mismatch),
      });
      const counts = { changes: 0, readable: 0, undecodable: 0, first: null };
      this.sources.set(source.name, { fit, tables: tablesOf(source), ...counts });
    }
  }

  add({ changes, skipped = [] }: ChangeBatch): void {
    this.messages += changes.length;
    for (const change of changes) {
      const counts = this.sources.get(change.source);
      if (counts === undefined) {
        this.tell(ofNoSource(change));
        continue;
      }
      this.changes++;
      counts.changes++;
      const found = this.finders.get(change.source)!(change);
      counts.fit.add(change, found);
      for (const one of found) {
        this.tell(one);
        if (one.kind === "undecodable") counts.first ??= one;
      }
      if (change.undecodable !== null) counts.undecodable++;
      else if (change.kind !== "none") counts.readable++;
    }
    for (const one of skipped) {
      this.messages += one.count;
      this.tell(skippedAsNotTaken(one));
      if (one.near !== undefined) this.near.add(one.near);
    }
  }

  list(): readonly NotTaken[] {
    return this.counts.list();
  }

  /**
   * Finds a source of which no message could be read. `ended`: the log has no more messages, or
   * none came for a while.
   */
  unreadable(ended: boolean): TidemarkError | null {
    if (this.options.unreadable === "keep") return null;
    for (const [source, { readable, undecodable, first }] of this.sources) {
      const begun = this.options.begun.has(source);
      const least = begun ? MANY : ended ? 1 : SOME;
      if (readable > 0 || undecodable < least || (this.options.bounded && !ended)) continue;
      return sourceUnreadable(source, undecodable, first!, this.options.keepsBytes);
    }
    return null;
  }

  /** Judges the first rows of a source. `ended`: no more come, or none came for a while. */
  judge(source: string, ended: boolean): "fits" | "undecided" | TidemarkError {
    const { mismatch } = this.options;
    if (mismatch === "ignore") return "fits";
    return this.sources.get(source)?.fit.verdict(mismatch, ended) ?? "fits";
  }

  /**
   * Whether the table of a source is likely a typo: no message of it ever came, and messages of a
   * table with almost this name belong to no source.
   */
  isMistyped(source: string): boolean {
    const counts = this.sources.get(source);
    return (
      counts !== undefined &&
      this.options.mismatch !== "ignore" &&
      counts.changes === 0 &&
      !this.options.begun.has(source) &&
      counts.tables.some((table) => this.near.has(table))
    );
  }

  /** Whether a new source of an endless log had messages, and none could be read so far. */
  mayBeUnreadable(): boolean {
    return !this.options.bounded && this.unreadable(true) !== null;
  }

  private tell(one: NotTaken): void {
    if (this.counts.add(one)) this.options.onNotTaken?.(one);
  }
}

/** The text columns of a source. A key may be any text, so keys are left out. */
function textColumnsOf(
  { columns, primaryKey }: SourceSpec,
  entityKeys: readonly { readonly keyIndexes: readonly number[] }[],
): readonly TextColumn[] {
  const keys = new Set(entityKeys.flatMap(({ keyIndexes }) => keyIndexes));
  return columns.flatMap(({ name, database, type }, index) =>
    type !== "string" || primaryKey.includes(name) || keys.has(index)
      ? []
      : [{ name, database, index }],
  );
}

function ofNoSource({ source, topic, partition, offset }: Change): NotTaken {
  return {
    kind: "skipped",
    source: null,
    reason: "NOT_DECLARED",
    column: null,
    count: 1,
    first: { topic, partition, offset, message: `no source is called "${source}"` },
  };
}

function sourceUnreadable(
  source: string,
  count: number,
  first: NotTaken,
  keepsBytes: boolean,
): TidemarkError {
  return new TidemarkError(
    "SOURCE_UNREADABLE",
    `source "${source}": ` +
      (count === 1
        ? "its only message cannot be read: "
        : `none of its ${count} messages can be read. The first: `) +
      `${notTakenPlace(first)} (${first.reason}). ` +
      (keepsBytes
        ? "The history keeps the bytes: change the setting, run again, and take what was kept " +
          "with tidemark retry"
        : "No history keeps the bytes, and a next run begins after these messages: change the " +
          "setting, and read the log from its beginning into a new online store"),
  );
}

const WHAT: Readonly<Record<NotTaken["kind"], readonly [one: string, more: string]>> = {
  undecodable: ["message cannot be read", "messages cannot be read"],
  quarantined: ["row went into quarantine", "rows went into quarantine"],
  invalid: ["value cannot be read and is missing", "values cannot be read and are missing"],
  miskeyed: [
    "row has a primary key that is not the table's",
    "rows have a primary key that is not the table's",
  ],
  skipped: ["message was skipped", "messages were skipped"],
};

/** Reasons of messages that no source reads. */
const OF_NO_SOURCE: ReadonlySet<string> = new Set(["TABLE_NOT_DECLARED", "NOT_DECLARED"]);

/** Says at the first message of its kind what is not taken. Further ones are counted. */
export function firstNotTakenText(entry: NotTaken): string {
  const { kind, source, reason, column, first } = entry;
  const from = source === null ? "" : `source "${source}": `;
  const what = OF_NO_SOURCE.has(reason)
    ? `messages of ${first.topic} belong to no source (${reason})`
    : `${WHAT[kind][1]} (${reason}${column === null ? "" : `, column "${column}"`})`;
  return `${from}${what}; the first is ${notTakenPlace(entry)}`;
}

/** Says what was not taken, as one line: the count, the reason and the first example. */
export function notTakenText(entry: NotTaken): string {
  const { kind, source, reason, column, count, first } = entry;
  if (OF_NO_SOURCE.has(reason))
    return (
      `${count} ${count === 1 ? "message" : "messages"} of ${first.topic} ` +
      `${count === 1 ? "belongs" : "belong"} to no source (${reason}); ` +
      `${count === 1 ? "it is" : "the first is"} ${notTakenPlace(entry)}`
    );
  return (
    `${source === null ? "" : `source "${source}": `}${count} ${WHAT[kind][count === 1 ? 0 : 1]} ` +
    `(${reason}${column === null ? "" : `, column "${column}"`}); ` +
    `${count === 1 ? "it is" : "the first is"} ${notTakenPlace(entry)}`
  );
}
