/**
 * Writes changes of one source into the online store. Row images, entity logs and the position are
 * written in one compare-and-set step.
 */
import { TidemarkError } from "../errors.ts";
import type { Cell, CellWrite, Change, MetadataStep, OnlineStore, PositionStep } from "../spi.ts";
import type { LogLevel } from "../ingest/log-level.ts";
import { erasureGuard, type ErasureGuard } from "../ingest/erasure-guard.ts";
import { originalTable } from "../rows/source-tables.ts";
import type { BuildWriterOptions } from "./build-writer.ts";
import { contended, openBuilds } from "./open-builds.ts";
import { pushIdKeys, pushIdsIn, pushIdWrite } from "./push-ids.ts";
import { snapshotEnd, type Truncate } from "../rows/row-versions.ts";
import {
  completeGenerationStep,
  generationStateOf,
  offsetsOf,
  partitionKey,
  partitionOf,
  type SnapshotSpan,
} from "../rows/snapshot-generations.ts";
import { buildInProgressKey, buildsStep, readSourceBuilds } from "./source-builds.ts";
import { counterWriter, countersKey } from "./source-counters.ts";
import { listSource } from "./source-list.ts";
import { entityKeysIn } from "./source-layout.ts";
import { encodeSourceState, sourceStateKey } from "./source-state.ts";
import { unreadableSource } from "./unreadable-source.ts";

export type OnlineWriterOptions = Omit<BuildWriterOptions, "inProgress">;

export interface OnlineWriter {
  /** Applies all changes with the positions, or throws and applies none. */
  apply(changes: readonly Change[], positions: readonly PositionStep[]): Promise<void>;
  /**
   * Completes the snapshot of a begun generation. Rows of earlier generations that the snapshot did
   * not bring are deleted.
   */
  complete(generation: number, snapshot: SnapshotSpan): Promise<void>;
  /**
   * Notes which partitions were level with the log, and marks the source as ready once all of them
   * were. Returns whether the source is ready. `level` is called only if it is not.
   */
  markReady(generation: number, level: () => Promise<LogLevel>): Promise<boolean>;
}

/**
 * The number of attempts before `ONLINE_STORE_CONTENDED`. An attempt fails if another writer
 * changes the same cells between read and write.
 */
const ATTEMPTS = 50;

export async function onlineWriter(options: OnlineWriterOptions): Promise<OnlineWriter> {
  const { store, namespace, layout: asked, retention, clock } = options;
  const { source } = asked;
  const stateKey = sourceStateKey(namespace, source.name);
  const inProgressKey = buildInProgressKey(namespace, source.name);
  const idKeyOf = pushIdKeys(namespace, source.name);
  const countersOf = counterWriter(source, asked.entityLogs);
  const guardNow = async (): Promise<ErasureGuard> =>
    erasureGuard(source, entityKeysIn(asked), await store.metadata(source.name));
  let guard = await guardNow();
  let open = await openBuilds(options);

  return {
    async apply(changes, positions) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const cells = await prepare(guard.allowed(changes));
        if (cells !== null && (await write(cells, positions, [guard.step]))) return;
        await refuseFenced(store, source.name, positions);
        guard = await guardNow();
      }
      throw contended(store.name, source.name, ATTEMPTS);
    },
    async complete(generation, snapshot) {
      const end = [snapshotEnd(generation, snapshot)];
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const metadata = await store.metadata(source.name);
        if (generationStateOf(metadata).snapshots[generation - 1] != null) return;
        const step = completeGenerationStep(metadata, generation, snapshot);
        const cells = await prepare([], end);
        if (cells !== null && (await write(cells, [], [step]))) return;
      }
      throw contended(store.name, source.name, ATTEMPTS);
    },
    async markReady(generation, level) {
      let reached: LogLevel | null = null;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const { state } = open.served;
        if (state.isReady && state.version !== null) return true;
        // the run reads the log of another table than the stored one
        if (originalTable(state.layout.source) !== originalTable(source)) return false;
        reached ??= await level();
        if (reached.keepsUnreadable !== true && (await isUnreadable())) return false;
        const partitions = new Set(
          state.levelPartitions?.generation === generation ? state.levelPartitions.partitions : [],
        );
        const before = partitions.size;
        for (const partition of reached.partitions) partitions.add(partition);
        const isReady = reached.isWhole(source.name, partitions);
        if (!isReady && partitions.size === before) return false;
        const levelPartitions = { generation, partitions: [...partitions] };
        const cells: CellWrite[] = [
          {
            key: stateKey,
            value: encodeSourceState({ ...state, isReady, levelPartitions }),
            expected: state.version,
            expires: null,
          },
        ];
        if (state.version === null) cells.push(await listSource(store, namespace, source.name));
        await write(cells, []);
        open = await openBuilds(options);
      }
      throw contended(store.name, source.name, ATTEMPTS);
    },
  };

  async function isUnreadable(): Promise<boolean> {
    return (await unreadableSource(store, namespace, source.name)) !== null;
  }

  /** Writes one step. False: the builds, a position or a cell are not as expected. */
  async function write(
    cells: readonly CellWrite[],
    positions: readonly PositionStep[],
    metadata: readonly MetadataStep[] = [],
  ): Promise<boolean> {
    const step = { source: source.name, cells, positions };
    const steps = [...metadata, buildsStep(open.builds)];
    if ((await store.write({ ...step, metadata: steps })) === "done") return true;
    const { text } = await readSourceBuilds(store, source.name);
    if (text !== open.builds.text) open = await openBuilds(options);
    return false;
  }

  /**
   * Computes the cells to write from what the store holds now; null if the store changed during the
   * read.
   */
  async function prepare(
    changes: readonly Change[],
    truncates: readonly Truncate[] = [],
  ): Promise<CellWrite[] | null> {
    const { served, inProgress } = open;
    const edits = served.edits(changes, truncates);
    const inProgressEdits = inProgress?.edits(changes, truncates) ?? null;
    const partitions = [...new Set(changes.map(partitionOf))];
    const counterKeys = partitions.map((partition) =>
      countersKey(namespace, source.name, partition),
    );
    const ids = pushIdsIn(source, changes);
    const idKeys = ids.map(idKeyOf);
    const [stateCell, inProgressCell, ...read] = await store.read([
      stateKey,
      inProgressKey,
      ...edits.rowKeys,
      ...(inProgressEdits?.rowKeys ?? []),
      ...counterKeys,
      ...idKeys,
    ]);
    // another runner may have written a state since
    if (
      (stateCell?.version ?? null) !== served.state.version ||
      (inProgressCell?.version ?? null) !== (inProgress?.state.version ?? null)
    ) {
      open = await openBuilds(options);
      return prepare(changes, truncates);
    }
    const take = (count: number): readonly (Cell | null)[] => read.splice(0, count);
    const writes: CellWrite[] = [];
    const inServed = await served.writes(edits, take(edits.rowKeys.length));
    const inBuild =
      inProgressEdits === null
        ? []
        : await inProgress!.writes(inProgressEdits, take(inProgressEdits.rowKeys.length));
    if (inServed === null || inBuild === null) return null;
    for (const cell of inServed) writes.push(cell);
    for (const cell of inBuild) writes.push(cell);
    if (served.state.version === null) writes.push(await listSource(store, namespace, source.name));
    partitions.forEach((partition, p) => {
      const messages = changes.filter((change) => partitionOf(change) === partition);
      writes.push(...countersOf(counterKeys[p]!, read[p] ?? null, messages));
    });
    ids.forEach((id, i) => {
      const mine = changes.filter(({ transaction }) => transaction === id);
      const cell = read[counterKeys.length + i] ?? null;
      writes.push(...pushIdWrite(idKeys[i]!, cell, mine, retention, clock()));
    });
    return writes;
  }
}

async function refuseFenced(
  store: OnlineStore,
  source: string,
  positions: readonly PositionStep[],
): Promise<void> {
  const stored = offsetsOf(await store.positions(source));
  for (const { partition, generation, expected } of positions) {
    const now = stored.get(partitionKey({ partition, generation })) ?? null;
    if (now === expected) continue;
    throw new TidemarkError(
      "ONLINE_STORE_FENCED",
      `${store.name}: another runner moved ${partition} of source "${source}" from ` +
        `${expected ?? "its beginning"} to ${now}: run one runner per partition, ` +
        "and start this one again to go on from there",
    );
  }
}
