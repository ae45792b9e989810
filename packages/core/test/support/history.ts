/** A history of one source, whose change log and versions a test writes and reads itself. */
import { expect } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { valueAt } from "../../src/columns/batch.ts";
import { changeLogEncoder } from "../../src/offline/change-log.ts";
import { storedVersions } from "../../src/offline/stored-versions.ts";
import { historyState, versionEvents } from "../../src/offline/version-events.ts";
import type { SourceSpec, Value } from "../../src/specs.ts";
import type { Change, OfflineStore, TableState } from "../../src/spi.ts";
import { memoryOfflineStore } from "../../src/testing/memory-offline.ts";

/** Appends to the change log of a source, and reads its versions. */
export class History {
  readonly context;
  private readonly reached = new Map<string, number>();

  constructor(source: SourceSpec, offline: OfflineStore = memoryOfflineStore()) {
    this.context = historyContext(offline, source);
  }

  async append(changes: readonly Change[]): Promise<void> {
    const { offline, tables } = this.context;
    const next = new Map<string, number>();
    for (const change of changes) next.set(`${change.topic}:${change.partition}`, change.offset);
    const positions = [...next].map(([partition, offset]) => ({
      partition,
      expected: this.reached.get(partition) ?? null,
      next: offset,
    }));
    expect(
      await offline.append(tables.changes, [changeLogEncoder(this.context.source)(changes)], {
        positions,
      }),
    ).toBe("done");
    for (const [partition, offset] of next) this.reached.set(partition, offset);
  }

  /**
   * Returns the rows of the versions table as sorted text, without the bucket, which depends on the
   * number of buckets.
   */
  async versions(): Promise<string[]> {
    const { offline, tables } = this.context;
    const names = tables.versions.columns
      .map((column) => column.name)
      .filter((name) => name !== "_bucket");
    const rows: string[] = [];
    for await (const { length, vectors } of offline.scan(tables.versions.name, {
      columns: names,
    })) {
      for (let i = 0; i < length; i++)
        rows.push(vectors.map((vector) => textOf(valueAt(vector, i))).join(" | "));
    }
    return rows.sort();
  }

  /** Returns the same of every row as readers of this library see it: corrections count. */
  async readVersions(): Promise<string[]> {
    const { tables } = this.context;
    const columns = tables.versions.columns
      .map((column) => column.name)
      .filter((name) => name !== "_bucket");
    const rows: string[] = [];
    for await (const { length, vectors } of storedVersions(this.context, await this.state(), {
      columns,
      olderBucket: 0,
    }))
      for (let i = 0; i < length; i++)
        rows.push(vectors.map((vector) => textOf(valueAt(vector, i))).join(" | "));
    return rows.sort();
  }

  /** Returns what a training set reads in a range of event times, as sorted text. */
  async events(times = { min: -Infinity, max: Infinity }): Promise<string[]> {
    const state = await historyState(this.context);
    const texts: string[] = [];
    for await (const batch of versionEvents(this.context, state!, {
      columns: this.context.source.columns,
      keyColumns: [],
      entityOf: () => 0,
      knowledge: "as-known",
      times,
    })) {
      const { length, entity, time, from, to, columns } = batch;
      for (let i = 0; i < length; i++) {
        if (entity[i]! < 0 || time[i]! < times.min || time[i]! > times.max) continue;
        const values = columns.vectors.map((vector) => textOf(valueAt(vector, i)));
        texts.push([time[i], from[i], to[i], ...values].join(" | "));
      }
    }
    return texts.sort();
  }

  async state(): Promise<TableState> {
    return (await this.context.offline.state(this.context.tables.versions.name))!;
  }
}

const textOf = (value: Value): string =>
  Object.is(value, -0)
    ? "-0"
    : value instanceof Uint8Array
      ? Buffer.from(value).toString("hex")
      : String(value);
