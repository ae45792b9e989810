/** The features table of a view, and the state that its positions hold. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, Position, PositionStep, TableSpec } from "../spi.ts";
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

/** A date that the table holds. */
export interface MaterializedDate extends LocalDate {
  /** Fingerprint of the view's definition under which the date was computed. */
  readonly fingerprint: number;
  /**
   * The offset of a partition of the change log up to which the date is known to be right.
   * The date was computed from the log up to there, or the log had nothing new for it.
   */
  reached(partition: string): number;
  /** The partitions of the log when the date was computed. */
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
  /**
   * The position steps which say that these dates were computed from the log up to these positions.
   */
  dateSteps(
    dates: readonly LocalDate[],
    fingerprint: number,
    log: readonly Position[],
  ): readonly PositionStep[];
  /** The position steps which say that every date is right for the log up to these positions. */
  everyDateSteps(log: readonly Position[]): readonly PositionStep[];
}

// Names of positions: `date/2025-06-14` → its time · `date/2025-06-14/fingerprint` ·
// `date/2025-06-14/at/<log partition>` · `at/<log partition>` for all dates · `commits`
const dateName = (date: string): string => `date/${date}`;
const fingerprintName = (date: string): string => `date/${date}/fingerprint`;
const reachedName = (date: string, partition: string): string => `date/${date}/at/${partition}`;
const everyDateName = (partition: string): string => `at/${partition}`;
const COMMITS = "commits";

export async function readFeaturesTableState(
  offline: OfflineStore,
  table: TableSpec,
  signal: AbortSignal | undefined,
): Promise<FeaturesTableState> {
  const state = await offline.state(table.name, { signal });
  const known = new Map(
    (state?.positions ?? []).map(({ partition, offset }) => [partition, offset]),
  );
  const step = (partition: string, next: number): PositionStep => ({
    partition,
    expected: known.get(partition) ?? null,
    next,
  });
  const dates = new Map<string, MaterializedDate>();
  for (const [name, time] of known) {
    const date = /^date\/([^/]+)$/.exec(name)?.[1];
    if (date === undefined) continue;
    const reached = (partition: string): number =>
      Math.max(
        known.get(reachedName(date, partition)) ?? -1,
        known.get(everyDateName(partition)) ?? -1,
      );
    dates.set(date, {
      date,
      time,
      fingerprint: known.get(fingerprintName(date)) ?? -1,
      reached,
      partitions: [],
    });
  }
  for (const name of known.keys()) {
    const [, date, partition] = /^date\/([^/]+)\/at\/(.*)$/s.exec(name) ?? [];
    if (date !== undefined) (dates.get(date)!.partitions as string[]).push(partition!);
  }
  const commitCount = known.get(COMMITS) ?? 0;
  return {
    version: state?.version ?? null,
    dates,
    commitCount,
    dateSteps: (list, fingerprint, log) => [
      step(COMMITS, commitCount + 1),
      ...list.flatMap(({ date, time }) => [
        step(dateName(date), time),
        step(fingerprintName(date), fingerprint),
        ...log.map(({ partition, offset }) => step(reachedName(date, partition), offset)),
      ]),
    ],
    everyDateSteps: (log) => [
      step(COMMITS, commitCount + 1),
      ...log
        .map(({ partition, offset }) => step(everyDateName(partition), offset))
        .filter(({ expected, next }) => expected !== next),
    ],
  };
}
