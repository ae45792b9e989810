/** The features table of a view, and the state that its metadata holds. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ViewSpec } from "../specs.ts";
import { generationStateOf, offsetsOf, withoutCheckpoints } from "../rows/snapshot-generations.ts";
import type {
  Metadata,
  MetadataStep,
  OfflineStore,
  Position,
  TableSpec,
  TableState,
} from "../spi.ts";
import { olderFormat } from "../offline/history-tables.ts";
import type { LocalDate } from "./local-date.ts";

export const DATE: ColumnSpec = { name: "date", database: "date", type: "string", nullable: false };
export const EVENT_TIMESTAMP: ColumnSpec = {
  name: "event_timestamp",
  database: "event_timestamp",
  type: "timestamp",
  nullable: false,
};

/**
 * The features table: join keys, event_timestamp, the date by which files are split, and the
 * features.
 *
 * @throws NAME_TAKEN when a key or feature is called date or event_timestamp.
 */
export function featuresTable(view: ViewSpec): TableSpec {
  const keys = view.entity.keys.map((column) => tableColumn(column, false));
  const features = view.features.map(({ result, name }) => tableColumn({ ...result, name }, true));
  for (const { name } of [...keys, ...features]) {
    if (![DATE.name, EVENT_TIMESTAMP.name].includes(name.toLowerCase())) continue;
    throw new TidemarkError(
      "NAME_TAKEN",
      `feature view "${view.name}": "${name}" is a column of every features table; ` +
        "call the key or the feature something else to materialize the view",
    );
  }
  return {
    name: `${view.name}/features`,
    columns: [...keys, EVENT_TIMESTAMP, DATE, ...features],
    partitionBy: [DATE.name],
  };
}

function tableColumn({ name, type, precision, scale }: ColumnSpec, nullable: boolean): ColumnSpec {
  return {
    name,
    database: name,
    type,
    nullable,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}

/** How much of the change log materialized rows are known to be right for. */
interface CheckedLog {
  /** By partition key: an offset. */
  readonly offsets: ReadonlyMap<string, number>;
  /** The number of generations whose snapshot is complete. */
  readonly snapshots: number;
}

/** A date that the table holds. */
export interface MaterializedDate extends LocalDate {
  /** Fingerprint of the view's definition under which the date was computed. */
  readonly fingerprint: number;
  /**
   * The offset of a partition of the change log up to which the date is known to be right.
   * The date was computed from the log up to there, or the log had nothing new for it.
   * `partition`: a partition key.
   */
  reached(partition: string): number;
  /** The number of complete snapshots of the log for which the date is known to be right. */
  readonly snapshots: number;
  /** The partition keys of the log when the date was computed. */
  readonly partitions: readonly string[];
}

/** The state of a features table: its dates, and the log that they were computed from. */
export interface FeaturesTableState {
  /** Version of the table; null if there is no table yet. */
  readonly version: number | null;
  readonly dates: ReadonlyMap<string, MaterializedDate>;
  /**
   * The number of commits. Each commit raises it by one.
   * So one of two runs that began from the same state gets a conflict.
   */
  readonly commitCount: number;
  /** The steps of the metadata which say that these dates were computed from the log. */
  dateSteps(
    dates: readonly LocalDate[],
    fingerprint: number,
    log: TableState,
  ): readonly MetadataStep[];
  /**
   * The steps of the metadata which say that every date is right for the log; none, if the metadata
   * says so already.
   */
  everyDateSteps(log: TableState): readonly MetadataStep[];
}

/** The text of a checked log in the metadata. */
interface StoredLog {
  readonly reached: readonly Position[];
  readonly snapshots: number;
}

/** The text of a date in the metadata. */
interface StoredDate extends StoredLog {
  /** µs */
  readonly time: number;
  readonly fingerprint: number;
}

const DATES = "date/";
/** The key of the log for which every date is right. */
const EVERY_DATE = "checked";
const COMMITS = "commits";

/** @throws HISTORY_OLDER_FORMAT when an older version of Tidemark wrote the table. */
export async function readFeaturesTableState(
  offline: OfflineStore,
  table: TableSpec,
  signal: AbortSignal | undefined,
): Promise<FeaturesTableState> {
  const state = await offline.state(table.name, { signal });
  if (state !== null && !state.metadata.has(COMMITS)) throw olderFormat(offline.name, table.name);
  const metadata: Metadata = state?.metadata ?? new Map();
  const step = (key: string, next: unknown): MetadataStep => ({
    key,
    expected: metadata.get(key) ?? null,
    next: JSON.stringify(next),
  });
  const everyDate = metadata.get(EVERY_DATE);
  const checked = checkedLog(
    everyDate === undefined ? { reached: [], snapshots: 0 } : (JSON.parse(everyDate) as StoredLog),
  );
  const dates = new Map<string, MaterializedDate>();
  for (const [key, text] of metadata) {
    if (!key.startsWith(DATES)) continue;
    const date = key.slice(DATES.length);
    const { time, fingerprint, ...log } = JSON.parse(text) as StoredDate;
    const computed = checkedLog(log);
    dates.set(date, {
      date,
      time,
      fingerprint,
      reached: (partition) =>
        Math.max(computed.offsets.get(partition) ?? -1, checked.offsets.get(partition) ?? -1),
      snapshots: Math.max(computed.snapshots, checked.snapshots),
      partitions: [...computed.offsets.keys()],
    });
  }
  const commitCount = JSON.parse(metadata.get(COMMITS) ?? "0") as number;
  const commitStep = step(COMMITS, commitCount + 1);
  return {
    version: state?.version ?? null,
    dates,
    commitCount,
    dateSteps: (list, fingerprint, log) => [
      commitStep,
      ...list.map(({ date, time }) => {
        const next: StoredDate = { time, fingerprint, ...storedLog(log) };
        return step(`${DATES}${date}`, next);
      }),
    ],
    everyDateSteps: (log) => {
      const checkedStep = step(EVERY_DATE, storedLog(log));
      return checkedStep.expected === checkedStep.next ? [] : [commitStep, checkedStep];
    },
  };
}

function storedLog({ positions, metadata }: TableState): StoredLog {
  return { reached: withoutCheckpoints(positions), snapshots: snapshotsIn(metadata) };
}

function checkedLog({ reached, snapshots }: StoredLog): CheckedLog {
  return { offsets: offsetsOf(reached), snapshots };
}

/** The number of generations of a change log whose snapshot is complete. */
export function snapshotsIn(metadata: Metadata): number {
  return generationStateOf(metadata).snapshots.filter((snapshot) => snapshot !== null).length;
}
