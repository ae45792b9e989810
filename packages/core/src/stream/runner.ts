/** From a change source into the sinks: each takes what it has not yet, and keeps its own position. */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../model.ts";
import type { Change, ChangeSource, Position } from "../spi.ts";

/** Where the changes of one source go. */
export interface Sink {
  readonly name: string;
  /** By partition: what the sink has. */
  readonly positions: Map<string, Position>;
  /** Takes changes that come after its positions, and the positions they end at; true where all that was taken so far is durable. */
  take(changes: readonly Change[], positions: readonly Position[]): Promise<boolean>;
  /** Makes durable what was taken. */
  flush(): Promise<void>;
  /** Looks up where the store stands: another run may have moved it. */
  reload(): Promise<void>;
  /** The source has ended. */
  finish(): Promise<void>;
}

export interface SourceSinks {
  readonly source: SourceSpec;
  readonly sinks: readonly Sink[];
}

export interface RunProgress {
  /** Changes read so far, and how many there are where the source knows. */
  readonly changes: number;
  readonly total: number | null;
}

export interface RunResult {
  readonly changes: number;
}

export interface RunSettings {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Work of the stores themselves, a bounded piece between batches. */
  readonly upkeep?: { step(): Promise<void>; finish(): Promise<void> } | undefined;
}

export async function runChanges(from: ChangeSource, targets: readonly SourceSinks[], options: RunSettings): Promise<RunResult> {
  const { signal, onProgress, upkeep } = options;
  const sources = targets.map(({ source }) => source);
  const byName = new Map(targets.map((target) => [target.source.name, target]));
  const total = (await from.size?.({ sources, signal })) ?? null;
  const partitionSource = new Map<string, string>();
  const notePartitions = (): void => {
    for (const { source, sinks } of targets) for (const sink of sinks) for (const partition of sink.positions.keys()) partitionSource.set(partition, source.name);
  };
  notePartitions();
  let changes = 0;
  const refuseUnordered = lsnGuard();
  const after = targets.flatMap(({ sinks }) => leastPositions(sinks));
  const places = placeKeeper(after);
  const pending = new Set<Sink>();
  let reached = new Map<string, Position>();
  const acknowledge = async (): Promise<void> => {
    if (reached.size > 0) await from.ack?.([...reached.values()]);
    reached = new Map();
  };

  const positions = async (partitions: readonly string[]): Promise<readonly Position[]> => {
    for (const { sinks } of targets) for (const sink of sinks) await sink.reload();
    notePartitions();
    const now = targets.flatMap(({ sinks }) => leastPositions(sinks)).filter(({ partition }) => partitions.includes(partition));
    places.restart(partitions, now);
    return now.map(places.forSource);
  };

  for await (const batch of from.changes({ sources, after: after.map(places.forSource), positions, signal })) {
    const split = new Map<string, Change[]>();
    for (const read of batch.changes) {
      const change = places.placed(read);
      refuseUnordered(change);
      partitionSource.set(`${change.topic}:${change.partition}`, change.source);
      const list = split.get(change.source);
      if (list === undefined) split.set(change.source, [change]);
      else list.push(change);
    }
    const reaching = batch.positions.map(places.forSinks);
    for (const target of byName.values()) {
      const positions = reaching.filter(({ partition }) => partitionSource.get(partition) === target.source.name);
      if (positions.length > 0) await deliver(target, split.get(target.source.name) ?? [], positions, pending);
    }
    signal?.throwIfAborted();
    changes += batch.changes.length;
    onProgress?.({ changes, total });
    for (const position of batch.positions) reached.set(position.partition, position);
    if (pending.size === 0) await acknowledge();
    await upkeep?.step();
  }
  for (const { sinks } of targets) for (const sink of sinks) await sink.finish();
  await acknowledge();
  await upkeep?.finish();
  return { changes };
}

/** `pending`: the sinks that hold changes which are not durable yet. */
async function deliver({ sinks }: SourceSinks, changes: readonly Change[], positions: readonly Position[], pending: Set<Sink>): Promise<void> {
  for (const sink of sinks) {
    const ahead = (partition: string, offset: number): boolean => offset > (sink.positions.get(partition)?.offset ?? -1);
    const next = positions.filter(({ partition, offset }) => ahead(partition, offset));
    if (next.length === 0) continue;
    const durable = await sink.take(changes.filter((change) => ahead(`${change.topic}:${change.partition}`, change.offset)), next);
    if (durable) pending.delete(sink);
    else pending.add(sink);
    for (const position of next) if (ahead(position.partition, position.offset)) sink.positions.set(position.partition, position);
  }
}

/** What every sink has: reading starts behind the slowest. */
function leastPositions(sinks: readonly Sink[]): readonly Position[] {
  const [first, ...others] = sinks;
  return [...(first?.positions.values() ?? [])].flatMap((position) => {
    const all = [position, ...others.map((sink) => sink.positions.get(position.partition))];
    if (all.includes(undefined)) return [];
    return [(all as Position[]).reduce((least, one) => (one.offset < least.offset ? one : least))];
  });
}

/** Law 5: without LSNs the offset orders the changes, and offsets of two partitions say nothing of each other. */
function lsnGuard(): (change: Change) => void {
  const unordered = new Map<string, string>();
  return (change) => {
    if (change.lsn !== null || change.place !== undefined || change.kind === "none" || change.broken !== null) return;
    const partition = `${change.topic}:${change.partition}`;
    const known = unordered.get(change.source);
    if (known === undefined) unordered.set(change.source, partition);
    else if (known !== partition) {
      throw new TidemarkError("LSN_MISSING", `source "${change.source}": changes without LSN in ${known} and in ${partition}: their order is unknown. Use one partition for the table, or a connector that writes LSNs`);
    }
  };
}

/**
 * Gives a change without LSN the place of what its partition held before (law 5). The highest LSN of a partition travels with its position, in the
 * mark, so that a run that starts there goes on alike.
 */
function placeKeeper(after: readonly Position[]) {
  const highest = new Map<string, bigint>();
  const start = (positions: readonly Position[]): void => {
    for (const { partition, mark } of positions) {
      const { lsn } = unpacked(mark);
      if (lsn !== null) highest.set(partition, lsn);
    }
  };
  start(after);
  return {
    /** Reading starts again behind these positions. */
    restart(partitions: readonly string[], positions: readonly Position[]): void {
      for (const partition of partitions) highest.delete(partition);
      start(positions);
    },
    placed(change: Change): Change {
      const partition = `${change.topic}:${change.partition}`;
      const before = highest.get(partition);
      if (change.lsn === null) return before === undefined ? change : { ...change, place: before };
      if (before === undefined || change.lsn > before) highest.set(partition, change.lsn);
      return change;
    },
    forSource: (position: Position): Position => ({ ...position, mark: unpacked(position.mark).mark }),
    forSinks: (position: Position): Position => ({ ...position, mark: `${highest.get(position.partition) ?? ""} ${position.mark ?? ""}` }),
  };
}

function unpacked(packed: string | undefined): { readonly lsn: bigint | null; readonly mark: string | undefined } {
  if (packed === undefined) return { lsn: null, mark: undefined };
  const space = packed.indexOf(" ");
  const lsn = packed.slice(0, space);
  const mark = packed.slice(space + 1);
  return { lsn: lsn === "" ? null : BigInt(lsn), mark: mark === "" ? undefined : mark };
}
