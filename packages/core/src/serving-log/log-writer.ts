/** Commits rows to the table of the serving log. */
import { selectRows, type Batch } from "../columns/batch.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError } from "../errors.ts";
import { nodeCrypto } from "../node-modules.ts";
import { ERASED, groupsIn, hashKey } from "../rows/erased-entities.ts";
import type { Metadata, MetadataStep, OfflineStore } from "../spi.ts";
import { stayingAnswers } from "./erased-answers.ts";
import { daysBetween, DAY_MICROS, LOG_TABLE } from "./log-table.ts";

/** Writes to the table. Several processes may write at once. */
export interface LogWriter {
  /** The id of this process in the table. */
  readonly process: string;
  /** Commits batches once, however often a commit that failed is tried again. */
  append(batches: readonly Batch[]): Promise<void>;
  /** Removes the rows of the days before a time, µs. */
  removeBefore(time: number): Promise<void>;
}

/** The number of attempts to commit while others erase entities. */
const ATTEMPTS = 20;

/** Makes the writer of a process. */
export function logWriter(offline: OfflineStore, definitions: Definitions): LogWriter {
  const process = nodeCrypto().randomUUID();
  const partition = `serving-log-${process}:0`;
  let committed: number | null = null;
  let metadata: Metadata | undefined;

  async function readState(): Promise<number | null> {
    const state = await offline.state(LOG_TABLE.name);
    ({ metadata } = state ?? { metadata: undefined });
    return state?.positions.find((position) => position.partition === partition)?.offset ?? null;
  }

  /** Fails the commit if an entity was erased since the metadata was read. */
  function erasureStep(): MetadataStep {
    const text = metadata?.get(ERASED) ?? null;
    return { key: ERASED, expected: text, next: text ?? "[]" };
  }

  return {
    process,
    async append(batches) {
      const next = (committed ?? -1) + 1;
      if (metadata === undefined && committed === null) await readState();
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const rows = withoutErased(batches, definitions, metadata);
        const written = await offline.append(LOG_TABLE, rows, {
          positions: [{ partition, expected: committed, next }],
          metadata: [erasureStep()],
        });
        // a commit whose failure was told may have taken effect
        if (written === "done" || (await readState()) === next) {
          committed = next;
          if (written === "done") metadata = withStep(metadata, erasureStep());
          return;
        }
      }
      throw new TidemarkError(
        "HISTORY_CONTENDED",
        `${offline.name}: ${ATTEMPTS} attempts to write table ${LOG_TABLE.name} met other ` +
          "writers; the rows are tried again",
        { retryable: true },
      );
    },
    async removeBefore(time) {
      const state = await offline.state(LOG_TABLE.name);
      if (state === null) return;
      const oldest = await oldestAnswer(offline);
      const end = Math.floor(time / DAY_MICROS) * DAY_MICROS;
      if (oldest === null || oldest >= end) return;
      // another process may have removed the days: then nothing is left to do
      await offline.rewrite(LOG_TABLE, [], {
        replaced: { date: daysBetween(oldest, end - 1) },
        expectedVersion: state.version,
        positions: [],
      });
    },
  };
}

function withStep(metadata: Metadata | undefined, { key, next }: MetadataStep): Metadata {
  return new Map([...(metadata ?? []), ...(next === null ? [] : [[key, next] as const])]);
}

/** The time of the oldest row, µs; null: there is none. */
async function oldestAnswer(offline: OfflineStore): Promise<number | null> {
  const { name } = LOG_TABLE;
  const described = await offline.describe?.(name, { timeColumn: "answered_at" });
  if (described !== undefined) return described?.oldest ?? null;
  let oldest = Infinity;
  for await (const { vectors } of offline.scan(name, { columns: ["answered_at"] })) {
    const [times] = vectors;
    if (times?.kind === "float64")
      oldest = times.values.reduce((least, one) => Math.min(least, one), oldest);
  }
  return oldest === Infinity ? null : oldest;
}

/** The batches without answers from before the erasure of one of their entities. */
function withoutErased(
  batches: readonly Batch[],
  definitions: Definitions,
  metadata: Metadata | undefined,
): readonly Batch[] {
  const groups = groupsIn(metadata);
  if (groups.length === 0) return batches;
  const entities = [...definitions.entities.values()];
  const stays = stayingAnswers(definitions, entities, (entity, text, answeredAt) =>
    groups.some(
      (group) =>
        group.entity === entity && answeredAt <= (group.keys[hashKey(group, text)] ?? -Infinity),
    ),
  );
  return batches.map((batch) => selectRows(batch, stays(batch))).filter(({ length }) => length > 0);
}
