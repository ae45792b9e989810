/**
 * The change log of a history, read again: what the topic said, in the order of each partition,
 * epoch after epoch, up to a stated position.
 */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, SourceSpec } from "../specs.ts";
import type { Change, Position, TableState } from "../spi.ts";
import {
  epochOfPosition,
  isBeginning,
  isCompletion,
  positionName,
} from "../rows/snapshot-generations.ts";
import { offsetsOf, readLog } from "./change-log.ts";
import { sizeOf } from "../ingest/source-batches.ts";
import { logSlices, type LogSlice } from "./log-slices.ts";
import type { HistoryContext } from "./merge-versions.ts";

export interface LogChanges {
  /** How many there are. */
  readonly changes: number;
  /** Each with the positions that its changes lead to, as stores name them. */
  batches(
    signal?: AbortSignal,
  ): AsyncIterable<{
    readonly changes: readonly Change[];
    readonly positions: readonly Position[];
  }>;
}

export interface LogChangesLimits {
  /** Changes that are in memory at once. */
  readonly sliceRows: number;
  readonly sliceBytes: number;
  /** Changes in a batch. */
  readonly batchRows: number;
}

const LIMITS: LogChangesLimits = { sliceRows: 50_000, sliceBytes: 64 * 2 ** 20, batchRows: 5_000 };

/**
 * What the log holds after these positions; null: nothing. `log`: the version that is read; its
 * positions are where reading ends. `held`: the columns that must be there: one that was declared
 * after a change was taken is `HISTORY_LACKS_COLUMN`, because its value lies in that change as the
 * topic had it, and only the topic's decoder can tell what it is.
 */
export async function logChanges(
  { offline, source, tables }: HistoryContext,
  log: TableState,
  after: readonly Position[],
  options: {
    readonly held: readonly ColumnSpec[];
    readonly limits?: Partial<LogChangesLimits> | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<LogChanges | null> {
  const { sliceRows, sliceBytes, batchRows } = { ...LIMITS, ...options.limits };
  const { version, columns } = log;
  const name = `${offline.name}, table ${tables.changes.name}`;
  const reached = offsetsOf(after);
  const goals = new Map(
    log.positions
      .filter(({ partition, offset }) => offset > (reached.get(partition) ?? -1))
      .map((position) => [position.partition, position]),
  );
  if (goals.size === 0) return null;
  refuseOtherKinds(name, tables.declared, columns);
  const isHeld = heldCheck(name, source, options.held);
  const isAhead = (partition: string, offset: number): boolean =>
    offset > (reached.get(partition) ?? -1) && offset <= (goals.get(partition)?.offset ?? -1);

  const steps: {
    readonly goals: readonly Position[];
    readonly wanted: (partition: string, offset: number) => boolean;
    readonly slices: readonly LogSlice[];
  }[] = [];
  let rows = 0;
  for (const part of inOrder([...goals.values()])) {
    const names = new Set(part.map(({ partition }) => partition));
    const wanted = (partition: string, offset: number): boolean =>
      names.has(partition) && isAhead(partition, offset);
    const fromOffset = Math.min(...part.map(({ partition }) => (reached.get(partition) ?? -1) + 1));
    const cut = await logSlices(offline, tables.changes.name, {
      version,
      columns,
      fromOffset,
      rows: sliceRows,
      signal: options.signal,
      wanted,
    });
    rows += cut.rows;
    steps.push({ goals: part, wanted, slices: cut.slices });
  }

  async function* batches(signal?: AbortSignal): ReturnType<LogChanges["batches"]> {
    // a change without LSN takes its place from the highest LSN before it, which travels with the
    // position
    const highest = new Map(
      after.map(({ partition, mark }) => [partition, /^(\d+) /.exec(mark ?? "")?.[1] ?? ""]),
    );
    const positionAt = (partition: string, offset: number): Position =>
      goals.get(partition)!.offset === offset
        ? goals.get(partition)!
        : { partition, offset, mark: `${highest.get(partition) ?? ""} ` };
    for (const { goals: part, wanted, slices } of steps) {
      const waiting: LogSlice[] = slices.toReversed();
      for (let slice = waiting.pop(); slice !== undefined; slice = waiting.pop()) {
        const { changes, to } = await read(slice, wanted, signal);
        if (to < slice.to) waiting.push({ from: to + 1, to: slice.to });
        for (let i = 0; i < changes.length; i += batchRows) {
          const batch = changes.slice(i, i + batchRows);
          const ends = new Map<string, number>();
          for (const change of batch) {
            const partition = positionName(change);
            ends.set(partition, change.offset);
            if (change.lsn !== null && change.lsn > BigInt(highest.get(partition) ?? ""))
              highest.set(partition, String(change.lsn));
          }
          yield {
            changes: batch,
            positions: [...ends].map(([partition, offset]) => positionAt(partition, offset)),
          };
        }
      }
      // a position may lie behind the last change: what stood there was of no declared source, or
      // no message
      yield { changes: [], positions: part };
    }
  }

  return { changes: rows, batches };

  /**
   * The changes of a slice in the order of their offsets, or of its first part where they are too
   * heavy together.
   */
  async function read(
    { from, to: end }: LogSlice,
    wanted: (partition: string, offset: number) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly changes: readonly Change[]; readonly to: number }> {
    let to = end;
    let changes: Change[] = [];
    let bytes = 0;
    const isHere = (partition: string, offset: number): boolean =>
      offset >= from && offset <= to && wanted(partition, offset);
    for await (const change of readLog(offline, tables, source, {
      version,
      columns,
      extra: true,
      transaction: source.push === true,
      fromOffset: from,
      toOffset: to,
      signal,
      wanted: isHere,
    })) {
      isHeld(change);
      changes.push(change);
      bytes += sizeOf(change);
      if (bytes < sliceBytes) continue;
      const middle = changes.map(({ offset }) => offset).sort((a, b) => a - b)[
        changes.length >>> 1
      ]!;
      if (middle >= to) continue;
      to = middle;
      changes = changes.filter(({ offset }) => offset <= to);
      bytes = changes.reduce((sum, one) => sum + sizeOf(one), 0);
    }
    return {
      changes: changes.sort(
        (a, b) => a.offset - b.offset || a.partition - b.partition || (a.topic < b.topic ? -1 : 1),
      ),
      to,
    };
  }
}

/**
 * Epoch after epoch; of each, where it begins, what was said in it, and that its snapshot is
 * complete.
 */
function inOrder(positions: readonly Position[]): readonly (readonly Position[])[] {
  const parts = new Map<number, Position[]>();
  for (const position of positions) {
    const place =
      epochOfPosition(position.partition) * 3 +
      (isBeginning(position.partition) ? 0 : isCompletion(position.partition) ? 2 : 1);
    parts.set(place, [...(parts.get(place) ?? []), position]);
  }
  return [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
}

function refuseOtherKinds(
  name: string,
  declared: readonly ColumnSpec[],
  stored: readonly ColumnSpec[],
): void {
  for (const column of declared) {
    const there = stored.find((one) => one.name === column.name);
    if (there === undefined || (there.kind === column.kind && there.scale === column.scale))
      continue;
    throw new TidemarkError(
      "COLUMN_TYPE_CONFLICT",
      `${name}: column "${column.name}" is ${there.kind} there and ${column.kind} in the ` +
        "definition: give the column of the definition another name, and run the topic from its " +
        "beginning",
    );
  }
}

/** Refuses a change that was taken before one of these columns was declared. */
function heldCheck(
  name: string,
  source: SourceSpec,
  held: readonly ColumnSpec[],
): (change: Change) => void {
  const columns = held.map((column) => ({
    column,
    index: source.columns.indexOf(column),
    text: JSON.stringify(column.database),
  }));
  return ({ kind, values, unavailable, unreadable, broken, extra, topic, partition, offset }) => {
    if (kind !== "upsert" || broken !== null) return;
    for (const { column, index, text } of columns) {
      if (
        values![index] !== null ||
        unavailable.includes(index) ||
        unreadable.some((one) => one.column === column.name)
      )
        continue;
      const kept =
        extra?.includes(text) === true
          ? (JSON.parse(extra) as Record<string, unknown>)[column.database]
          : undefined;
      if (kept === undefined || kept === null || NOT_FINITE.test(String(kept))) continue;
      throw new TidemarkError(
        "HISTORY_LACKS_COLUMN",
        `${name}: column "${column.name}" was declared after offset ${offset} of ` +
          `${topic}:${partition} was taken, so the history holds its value only as the topic ` +
          "had it: " +
          "run the topic from its beginning into an empty online store, or leave out the " +
          "features that read the column",
      );
    }
  };
}

/** How a message says NaN and ±Infinity: such a value is missing, and kept beside the columns. */
const NOT_FINITE = /^[+-]?(nan|inf(inity)?)$/i;
