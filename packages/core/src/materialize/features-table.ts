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
import { withMissingMembers } from "../types/nested/missing-members.ts";
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
  const features = view.features.map(({ result, name }) =>
    tableColumn({ ...withMissingMembers(result), name }, true),
  );
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

function tableColumn(column: ColumnSpec, nullable: boolean): ColumnSpec {
  const { name, type, precision, scale, element, keys, values, fields } = column;
  return {
    name,
    database: name,
    type,
    nullable,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(element === undefined ? {} : { element }),
    ...(keys === undefined ? {} : { keys }),
    ...(values === undefined ? {} : { values }),
    ...(fields === undefined ? {} : { fields }),
  };
}

/** Up to where a date is known to be right for the log of one source. */
export interface CheckedDate {
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

/** A date that the table holds, as it is known to be right for the log of the view's source. */
export interface MaterializedDate extends LocalDate, CheckedDate {
  /** Fingerprint of the view's definition under which the date was computed. */
  readonly fingerprint: number;
  /** The same for the log of a dimension that the view looks up. */
  ofDimension(name: string): CheckedDate;
}

/** The logs that a view is computed from. */
export interface ViewLogs {
  readonly log: TableState;
  /** The log of each dimension that the view looks up; null: it has none yet. */
  readonly dimensions: readonly { readonly name: string; readonly log: TableState | null }[];
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
  /** The steps of the metadata which say that these dates were computed from the logs. */
  dateSteps(
    dates: readonly LocalDate[],
    fingerprint: number,
    logs: ViewLogs,
  ): readonly MetadataStep[];
  /**
   * The steps of the metadata which say that every date is right for the logs; none, if it says so
   * already.
   */
  everyDateSteps(logs: ViewLogs): readonly MetadataStep[];
}

/** The text of a checked log in the metadata. */
export interface StoredLog {
  readonly reached: readonly Position[];
  readonly snapshots: number;
}

/** The text of the checked logs of a view. */
interface StoredLogs extends StoredLog {
  /** By the names of dimensions. Omitted if the view looks nothing up. */
  readonly dimensions?: Readonly<Record<string, StoredLog>>;
}

/** The text of a date in the metadata. */
interface StoredDate extends StoredLogs {
  /** µs */
  readonly time: number;
  readonly fingerprint: number;
}

const DATES = "date/";
/** The key of the log for which every date is right. */
const EVERY_DATE = "checked";
const COMMITS = "commits";

/**
 * Makes every run that read the history before now a conflict. It would write rows that were erased
 * since.
 */
export async function fenceFeatures(
  offline: OfflineStore,
  table: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const state = await offline.state(table, { signal });
    if (state === null) return;
    const expected = state.metadata.get(COMMITS) ?? null;
    const next = JSON.stringify(Number(expected ?? "0") + 1);
    const { columns, partitionBy } = state;
    const metadata = [{ key: COMMITS, expected, next }];
    const options = { positions: [], metadata, signal };
    if ((await offline.append({ name: table, columns, partitionBy }, [], options)) === "done")
      return;
  }
}

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
  const checked = everyDate === undefined ? NOTHING_CHECKED : (JSON.parse(everyDate) as StoredLogs);
  const dates = new Map<string, MaterializedDate>();
  for (const [key, text] of metadata) {
    if (!key.startsWith(DATES)) continue;
    const date = key.slice(DATES.length);
    const { time, fingerprint, ...logs } = JSON.parse(text) as StoredDate;
    dates.set(date, {
      date,
      time,
      fingerprint,
      ...checkedDate(logs, checked),
      ofDimension: (name) =>
        checkedDate(logs.dimensions?.[name] ?? NOTHING_CHECKED, checked.dimensions?.[name]),
    });
  }
  const commitCount = JSON.parse(metadata.get(COMMITS) ?? "0") as number;
  const commitStep = step(COMMITS, commitCount + 1);
  return {
    version: state?.version ?? null,
    dates,
    commitCount,
    dateSteps: (list, fingerprint, logs) => [
      commitStep,
      ...list.map(({ date, time }) => {
        const next: StoredDate = { time, fingerprint, ...storedLogs(logs) };
        return step(`${DATES}${date}`, next);
      }),
    ],
    everyDateSteps: (logs) => {
      const checkedStep = step(EVERY_DATE, storedLogs(logs));
      return checkedStep.expected === checkedStep.next ? [] : [commitStep, checkedStep];
    },
  };
}

/** The texts of the dates in the metadata. The text of a date that is computed again may differ. */
export function dateTexts(metadata: Metadata): ReadonlyMap<string, string> {
  return new Map(
    [...metadata].flatMap(([key, text]) =>
      key.startsWith(DATES) ? [[key.slice(DATES.length), text] as const] : [],
    ),
  );
}

const NOTHING_CHECKED: StoredLog & StoredLogs = { reached: [], snapshots: 0 };

function storedLogs({ log, dimensions }: ViewLogs): StoredLogs {
  const stored = dimensions.flatMap((one) =>
    one.log === null ? [] : [[one.name, storedLog(one.log)] as const],
  );
  return {
    ...storedLog(log),
    ...(stored.length === 0 ? {} : { dimensions: Object.fromEntries(stored) }),
  };
}

/** Says of a log how far it reaches. */
export function storedLog({ positions, metadata }: TableState): StoredLog {
  return { reached: withoutCheckpoints(positions), snapshots: snapshotsIn(metadata) };
}

/** A date is right for the log that it was computed from, and for what was checked since. */
export function checkedDate(
  computed: StoredLog,
  checked: StoredLog = NOTHING_CHECKED,
): CheckedDate {
  const offsets = offsetsOf(computed.reached);
  const since = offsetsOf(checked.reached);
  return {
    reached: (partition) => Math.max(offsets.get(partition) ?? -1, since.get(partition) ?? -1),
    snapshots: Math.max(computed.snapshots, checked.snapshots),
    partitions: [...offsets.keys()],
  };
}

/** The number of generations of a change log whose snapshot is complete. */
export function snapshotsIn(metadata: Metadata): number {
  return generationStateOf(metadata).snapshots.filter((snapshot) => snapshot !== null).length;
}
