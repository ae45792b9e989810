/**
 * The origins of a source's rows. Rows of two databases are two sets of rows: their primary keys
 * are equal and their log orders cannot be compared. So a source has one origin, unless its
 * `keyFrom` makes the origin a part of the key.
 */
import { TidemarkError } from "../errors.ts";
import { partitionOf, topicOf } from "./snapshot-generations.ts";
import { tablesOf } from "./source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, Position, SourceOrigin } from "../spi.ts";

const PARTS = ["connector", "server", "database", "schema"] as const;
/** The most origins of one partition that its checkpoint keeps. */
const MAX_STORED_ORIGINS = 64;

/** The origins that a run has seen, and those of the stored positions. */
export class SourceOrigins {
  private readonly sources: ReadonlyMap<string, SourceSpec>;
  /** The origin of each set of rows, by source and by the parts that are in the key. */
  private readonly known = new Map<string, SourceOrigin>();
  /** The origins of each partition. */
  private readonly partitions = new Map<string, readonly SourceOrigin[]>();
  private last: Pick<Change, "source" | "topic" | "partition" | "origin"> | null = null;

  constructor(sources: readonly SourceSpec[]) {
    this.sources = new Map(sources.map((source) => [source.name, source]));
  }

  /** Says whether the definitions have the source. */
  declares(source: string): boolean {
    return this.sources.has(source);
  }

  /** Remembers the origins of a stored position. */
  load(source: string, { partition, checkpoint }: Position): void {
    const spec = this.sources.get(source);
    if (spec === undefined) return;
    const topic = topicOf(partition);
    for (const origin of checkpoint?.origins ?? []) {
      this.addToPartition(partition, origin);
      const key = setOfRows(spec, origin, topic);
      this.known.set(key, merged(this.known.get(key), origin));
    }
  }

  /**
   * Checks a change before anything of its batch is applied.
   *
   * @throws SOURCE_TWO_ORIGINS when the row is of another origin than the rows before.
   * @throws TRUNCATE_WITH_KEY_FROM when a table of one origin is emptied.
   * @throws ORDER_MISSING when a change without an order is among those of several origins.
   */
  check(change: Change): void {
    const { origin, source, topic, partition } = change;
    const { last } = this;
    const spec = this.sources.get(source);
    if (spec === undefined) return;
    if (spec.keyFrom !== undefined) this.checkKeyFrom(spec, change);
    if (
      origin === undefined ||
      (last !== null &&
        last.origin === origin &&
        last.source === source &&
        last.topic === topic &&
        last.partition === partition)
    )
      return;
    this.last = { source, topic, partition, origin };
    const key = setOfRows(spec, origin, topic);
    const known = this.known.get(key);
    const differs =
      known === undefined
        ? undefined
        : PARTS.find(
            (part) =>
              known[part] !== null &&
              origin[part] !== null &&
              known[part] !== origin[part] &&
              !(part === "schema" && hasSeveralSchemas(spec)),
          );
    if (differs !== undefined) throw twoOrigins(change, origin, known!, differs);
    this.known.set(key, merged(known, origin));
    this.addToPartition(`${topic}:${partition}`, origin);
  }

  /** A tombstone names no origin, so among rows of several origins its row is not known. */
  ofTombstone(change: Change): Change {
    if (change.tombstone == null || (this.partitions.get(partitionOf(change))?.length ?? 0) < 2)
      return change;
    return { ...change, tombstone: { ...change.tombstone, values: null } };
  }

  toStoredPosition(position: Position): Position {
    const origins = this.partitions.get(position.partition);
    if (origins === undefined) return position;
    const stored = origins.slice(0, MAX_STORED_ORIGINS);
    return { ...position, checkpoint: { ...position.checkpoint, origins: stored } };
  }

  private checkKeyFrom({ name }: SourceSpec, change: Change): void {
    const { kind, order, topic, partition, offset } = change;
    const place = `source "${name}": ${topic}, partition ${partition}, offset ${offset}`;
    if (kind === "truncate")
      throw new TidemarkError(
        "TRUNCATE_WITH_KEY_FROM",
        `${place} empties the table of one origin, and the source holds rows of several ` +
          "(keyFrom): its rows cannot be told apart from the others. Let the connector skip " +
          "truncates (skipped.operations=t) and delete rows instead, and begin again with empty " +
          "stores",
      );
    if (order === null && (kind === "upsert" || kind === "delete") && this.isShared(change))
      throw new TidemarkError(
        "ORDER_MISSING",
        `${place} has no log order, and the partition holds rows of several origins (keyFrom): ` +
          "what came first is not known. Give each origin its own topic",
      );
  }

  private isShared(change: Change): boolean {
    return (this.partitions.get(partitionOf(change))?.length ?? 0) > 1;
  }

  private addToPartition(partition: string, origin: SourceOrigin): void {
    const origins = this.partitions.get(partition) ?? [];
    if (origins.some((one) => PARTS.every((part) => one[part] === origin[part]))) return;
    this.partitions.set(partition, [...origins, origin]);
  }
}

/** Says whether the source's table was moved to another schema. */
function hasSeveralSchemas(source: SourceSpec): boolean {
  const schemas = tablesOf(source).map((table) => table.slice(0, table.lastIndexOf(".")));
  return new Set(schemas).size > 1;
}

/** Identifies a set of rows whose keys cannot meet those of another set. */
function setOfRows(
  { name, keyFrom = [] }: SourceSpec,
  origin: SourceOrigin,
  topic: string,
): string {
  return JSON.stringify([
    name,
    ...keyFrom.map(({ part }) => (part === "topic" ? topic : origin[part])),
  ]);
}

/** A part that one message does not say may be said by another. */
function merged(known: SourceOrigin | undefined, origin: SourceOrigin): SourceOrigin {
  if (known === undefined) return origin;
  return {
    connector: known.connector ?? origin.connector,
    server: known.server ?? origin.server,
    database: known.database ?? origin.database,
    schema: known.schema ?? origin.schema,
  };
}

function twoOrigins(
  { source, topic, partition, offset }: Change,
  origin: SourceOrigin,
  known: SourceOrigin,
  differs: (typeof PARTS)[number],
): TidemarkError {
  // `keyFrom` has no part for the connector's type.
  const part = PARTS.slice(1).find((one) => differ(origin[one], known[one])) ?? "topic";
  const renamed =
    differs === "server"
      ? `If it is the same table and only the topic prefix is new, say so: servers: ` +
        `{ "${origin.server}": "${known.server}" } beside the topics. `
      : "";
  return new TidemarkError(
    "SOURCE_TWO_ORIGINS",
    `source "${source}": ${topic}, partition ${partition}, offset ${offset} is of ` +
      `${originText(origin)}, and the rows so far are of ${originText(known)}. Their keys are ` +
      "equal and their log orders cannot be compared, so nothing of this batch was applied. " +
      `Read one of them, or make the origin a part of the key: keyFrom: { tenant: "${part}" } ` +
      "with a column tenant: string() in primaryKey, and begin with new stores. " +
      renamed +
      "After a move to another or a restored database, run tidemark resnapshot " +
      `${source}, or call store.resnapshot, with its new topics`,
  );
}

const differ = (one: string | null, other: string | null): boolean =>
  one !== null && other !== null && one !== other;

function originText(origin: SourceOrigin): string {
  return PARTS.filter((part) => origin[part] !== null)
    .map((part) => `${part} ${origin[part]}`)
    .join(", ");
}
