/** The changes of one source of a mock store, in the order of the calls. */
import { described } from "../../define/definition.ts";
import { timeOf } from "../../define/time-input.ts";
import { TidemarkError } from "../../errors.ts";
import { stoppingViolation } from "../../ingest/stopping-expectations.ts";
import { dataText } from "../../define/data-text.ts";
import { refuseUnknownOptions, type OptionNames } from "../../option-checks.ts";
import { eventTimeIndex, primaryKeyIndexes } from "../../rows/row-change.ts";
import type { SourceSpec, Value } from "../../specs.ts";
import type { Change } from "../../spi.ts";
import { formatTime } from "../../time/parse-time.ts";
import { invalid, readMockKey, readMockRow } from "./mock-rows.ts";

/** A change of one row. */
export interface MockRowChange {
  readonly kind: "upsert" | "delete";
  /** Equal for rows of one primary key. */
  readonly key: string;
  /** By the index of the source's columns. A delete has only the primary key. */
  readonly values: readonly Value[];
  /** The commit time, µs. */
  readonly committed: number;
}

const OPTIONS: OptionNames = { names: new Set(["at"]), renamed: {} };

/** The changes of one source. */
export class MockLog {
  readonly source: SourceSpec;
  readonly changes: MockRowChange[] = [];
  private readonly keys: readonly number[];
  private readonly timeIndex: number;
  /** The keys of the rows that are there. */
  private readonly present = new Set<string>();

  constructor(source: SourceSpec) {
    this.source = source;
    this.keys = primaryKeyIndexes(source);
    this.timeIndex = eventTimeIndex(source);
  }

  /** Takes all rows, or none. */
  put(rows: unknown, options: unknown): void {
    const who = `put into source "${this.source.name}"`;
    const list = listOf(rows, `${who}: the rows`);
    const at = this.readAt(who, options);
    let before = this.lastCommit;
    const added = list.map((row, i): MockRowChange => {
      const values = readMockRow(this.source, row, `${who}: row ${i}`);
      const violated = stoppingViolation(this.source, values, []);
      if (violated !== null)
        throw new TidemarkError(
          "EXPECTATION_FAILED",
          `${who}: row ${i}: it violates ${violated}, and no store would take it`,
        );
      const time = values[this.timeIndex];
      if (at === null && typeof time === "number") before = Math.max(before, time);
      // without any time yet, the row is known from its beginning
      const committed = at ?? (Number.isFinite(before) ? before : 0);
      return { kind: "upsert", key: this.keyOf(values), values, committed };
    });
    for (const change of added) {
      this.changes.push(change);
      this.present.add(change.key);
    }
  }

  /** Removes all rows, or none. */
  remove(keys: unknown, options: unknown): void {
    const who = `remove from source "${this.source.name}"`;
    const list = listOf(keys, `${who}: the keys`);
    const committed = this.readAt(who, options) ?? this.lastCommit;
    const gone = new Set<string>();
    const added = list.map((one, i): MockRowChange => {
      const values = readMockKey(this.source, one, `${who}: key ${i}`);
      const key = this.keyOf(values);
      if (!this.present.has(key) || gone.has(key))
        throw invalid(
          `${who}: key ${i}: no row has ${this.keyText(values)}; ` +
            (this.present.size === 0
              ? "put a row first"
              : `the source has ${this.present.size} rows, put the row first or name another key`),
        );
      gone.add(key);
      return { kind: "delete", key, values, committed };
    });
    for (const change of added) {
      this.changes.push(change);
      this.present.delete(change.key);
    }
  }

  private get lastCommit(): number {
    return this.changes.at(-1)?.committed ?? -Infinity;
  }

  /** The commit time of a call; null: it says none. */
  private readAt(who: string, given: unknown): number | null {
    const options = given ?? {};
    if (typeof options !== "object")
      throw invalid(`${who}: the options are ${described(options)}; write { at: "2026-…" }`);
    refuseUnknownOptions(who, options, OPTIONS);
    const input = (options as { readonly at?: unknown }).at;
    if (input === undefined) {
      if (this.timeIndex >= 0) return null;
      throw invalid(
        `${who}: a version of a dimension holds from its commit on; say when, as in ` +
          '{ at: "2026-03-01T00:00:00Z" }',
      );
    }
    const at = timeOf(input, `${who}: at`, "MOCK_INVALID");
    if (at >= this.lastCommit) return at;
    throw invalid(
      `${who}: at is ${formatTime(at)}, and the change before was committed at ` +
        `${formatTime(this.lastCommit)}; changes of a source come in the order of their commits, ` +
        "so give this one first",
    );
  }

  private keyOf(values: readonly Value[]): string {
    return dataText(this.keys.map((index) => values[index]!));
  }

  private keyText(values: readonly Value[]): string {
    return this.keys
      .map((index) => `${this.source.columns[index]!.name} ${String(values[index])}`)
      .join(", ");
  }
}

function listOf(given: unknown, what: string): readonly unknown[] {
  if (Array.isArray(given)) return given as readonly unknown[];
  throw invalid(`${what} must be a list, as in [{ id: 1 }], got ${described(given)}`);
}

/** A change as the stores take it. The log has one partition, so its offset is the order. */
export function loggedChange(source: string, change: MockRowChange, offset: number): Change {
  return {
    source,
    topic: "mock",
    partition: 0,
    offset,
    kind: change.kind,
    values: change.values,
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: null,
    committed: change.committed,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: null,
  };
}
