/** The topic of a scenario, as far as it was delivered, and what each store has taken of it. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "@tidemark/core";
import type { Change, Value } from "@tidemark/core/spi";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  createOracle,
  redefinedChanges,
  textOfAll,
  type DefinitionSet,
  type Oracle,
  type Scenario,
} from "@tidemark/testkit";
import type { StoredData, StoreRole } from "./stored-data.ts";

/** The positions of one source, by partition. */
type Positions = ReadonlyMap<string, number>;

/** An entity whose rows were erased from a source, as far as they were committed until then. */
export interface Erasure {
  readonly entity: string;
  readonly source: string;
  /** The columns that hold its keys, by their names in the database. */
  readonly columns: readonly string[];
  readonly keys: readonly Value[];
  /** µs. */
  readonly until: number;
}

/** The changes of some definitions, and the oracles over parts of them. */
interface KnownChanges {
  readonly changes: readonly Change[];
  readonly byPositions: Map<string, Oracle>;
}

/** A topic that grows, and what the stores have taken of it. */
export class TakenLog {
  /** The number of lines that the topic has. */
  lines = 0;
  /** The entities that were erased. Their changes of before are deletes. */
  erasures: readonly Erasure[] = [];
  private readonly scenario: Scenario;
  private readonly data: StoredData;
  private readonly topic: string;
  private positions: Record<StoreRole, ReadonlyMap<string, Positions>> | null = null;
  private readonly known = new Map<DefinitionSet, KnownChanges>();

  constructor(scenario: Scenario, data: StoredData, folder: string) {
    this.scenario = scenario;
    this.data = data;
    this.topic = join(folder, "topic.jsonl");
    writeFileSync(this.topic, "");
  }

  /** The newest commit in the topic, in µs. */
  get lastCommit(): number {
    const commits = this.scenario.truth
      .slice(0, this.lines)
      .flatMap(({ committed }) => (committed === null ? [] : [committed]));
    return Math.max(...commits, this.scenario.truth[0]?.committed ?? 0);
  }

  /** Whether every partition of the log begins at offset 0. */
  get isWhole(): boolean {
    const first = new Map<string, number>();
    for (const change of this.scenario.truth) {
      const partition = partitionOf(change);
      if (!first.has(partition)) first.set(partition, change.offset);
    }
    return [...first.values()].every((offset) => offset === 0);
  }

  /** Writes the next lines of the log to the topic. */
  deliver(count: number): void {
    const next = this.scenario.lines.slice(this.lines, this.lines + count);
    this.lines += next.length;
    appendFileSync(this.topic, next.map((line) => `${line}\n`).join(""));
  }

  /** Runs the topic to its end. */
  async run(store: Store, options: { readonly newHistory?: boolean } = {}): Promise<void> {
    await store.run(
      recordedTopic(this.topic, {
        onWarning: () => undefined,
        unreadable: "keep",
        batchChanges: 9,
      }),
      { ...options, onNotTaken: () => undefined },
    );
  }

  /** Forgets the positions, because a store was written. */
  forgetPositions(): void {
    this.positions = null;
  }

  /** Reads what a store has taken of a source. */
  async taken(role: StoreRole, source: string): Promise<Positions> {
    this.positions ??= await this.readPositions();
    return this.positions[role].get(source)!;
  }

  /** Says, in words, where a store is not at the end of the topic. */
  async behind(role: StoreRole, source: string): Promise<string[]> {
    const ends = new Map<string, number>();
    for (const change of this.scenario.truth.slice(0, this.lines))
      if (change.source === source) ends.set(partitionOf(change), change.offset);
    const taken = await this.taken(role, source);
    return [...ends].flatMap(([partition, end]) => {
      const offset = taken.get(partition) ?? -1;
      return offset >= end
        ? []
        : [`${role}: a run has ended, and ${partition} has offset ${offset}, not ${end}`];
    });
  }

  /** The oracle over what a store has taken, under these definitions. */
  async oracle(role: StoreRole, definitions: DefinitionSet): Promise<Oracle> {
    const taken = new Map<string, Positions>();
    for (const { name } of definitions.sources) taken.set(name, await this.taken(role, name));
    const positions = [...taken].map(([name, ofSource]) => [name, [...ofSource]]);
    const text = JSON.stringify([this.erasures.length, positions]);
    const known = this.known.get(definitions) ?? {
      changes: redefinedChanges(this.scenario, definitions.sources),
      byPositions: new Map(),
    };
    this.known.set(definitions, known);
    let oracle = known.byPositions.get(text);
    if (oracle === undefined) {
      const changes = known.changes
        .flatMap((change, line) => (this.isErased(line) ? deletesOf(change, definitions) : change))
        .filter(
          (change) => change.offset <= (taken.get(change.source)!.get(partitionOf(change)) ?? -1),
        );
      oracle = createOracle({ sources: definitions.sources, changes });
      known.byPositions.set(text, oracle);
    }
    return oracle;
  }

  /** Whether the change of a line is of an erased entity, and was committed before the erasure. */
  private isErased(line: number): boolean {
    const { source, kind, values, committed } = this.scenario.truth[line]!;
    if (kind !== "upsert" || values === null) return false;
    const { columns } = this.scenario.sources.find(({ name }) => name === source)!;
    return this.erasures.some((erased) => {
      const keys = erased.columns.map(
        (name) => values[columns.findIndex(({ database }) => database === name)] ?? null,
      );
      return (
        erased.source === source &&
        (committed ?? 0) <= erased.until &&
        !keys.includes(null) &&
        textOfAll(keys) === textOfAll(erased.keys)
      );
    });
  }

  private async readPositions(): Promise<Record<StoreRole, ReadonlyMap<string, Positions>>> {
    const { online, offline } = this.data.open();
    const byPartition = (
      positions: readonly { readonly partition: string; readonly offset: number }[],
    ): Positions => new Map(positions.map(({ partition, offset }) => [partition, offset]));
    try {
      await online.open({ namespace: "default" });
      const read = { online: new Map<string, Positions>(), offline: new Map<string, Positions>() };
      for (const { name } of this.scenario.sources) {
        read.online.set(name, byPartition(await online.positions(name)));
        const log = await offline.state(`${name}/changes`);
        read.offline.set(name, byPartition(log?.positions ?? []));
      }
      return read;
    } finally {
      await online.close();
      await offline.close();
    }
  }
}

/**
 * The deletes of the rows that a change writes or takes away: that of its primary key, and that of
 * the former one. Under a definition that cannot read the primary key, the change writes no row.
 */
function deletesOf(change: Change, { sources }: DefinitionSet): readonly Change[] {
  const { values, oldKey } = change;
  if (values === null) return [change];
  const { columns, primaryKey } = sources.find(({ name }) => name === change.source)!;
  const deleteOf = (key: readonly Value[]): Change => ({
    ...change,
    kind: "delete",
    values: columns.map(({ name }) => key[primaryKey.indexOf(name)] ?? null),
    oldKey: null,
    unavailable: [],
    undecodable: null,
  });
  const key = primaryKey.map((name) => values[columns.findIndex((one) => one.name === name)]!);
  return [key, ...(oldKey === null ? [] : [oldKey])].map(deleteOf);
}

const partitionOf = ({ topic, partition }: Change): string => `${topic}:${partition}`;
