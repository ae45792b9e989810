/**
 * Implements the naive oracle: LAWS.md over plain arrays. The oracle is simple and slow, and shares
 * only types with the rest of core. Every path must give its bits.
 */
import type {
  SelectedFeature,
  SourceSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change, Status } from "../../../packages/core/src/spi.ts";
import { aggregate, subtractedSum, type Aggregated } from "./aggregate.ts";
import { truth } from "./condition.ts";
import type { OracleFault } from "./planted-faults.ts";
import { rowVersions, type CompletedSnapshot, type RowVersion } from "./rows.ts";
import { compare, sameBits, textOfAll } from "./values.ts";

/**
 * corrected: every change is known, which is also what the online store answers `asOf` t. known:
 * what was known at t (law 6: history does not forget).
 */
export type OracleMode = "corrected" | "known";

/** One entity row: the join keys by name, and the time in µs. */
export interface OracleRequest {
  readonly keys: Readonly<Record<string, Value>>;
  readonly time: number;
}

/** The answer for one feature. */
export interface OracleAnswer {
  readonly value: Value;
  readonly status: Status;
  /** The event time in µs; null if there is no event. */
  readonly eventTime: number | null;
  /** True if the value stands for a sum outside its type. */
  readonly overflow: boolean;
}

/**
 * Compares the bits, the status and the event time. Overflow is counted and is not a part of the
 * answer.
 */
export function sameAnswer(
  a: Omit<OracleAnswer, "overflow">,
  b: Omit<OracleAnswer, "overflow">,
): boolean {
  return sameBits(a.value, b.value) && a.status === b.status && a.eventTime === b.eventTime;
}

/** Answers the requests of a scenario. */
export interface Oracle {
  /** Returns one answer per selected feature, in their order. */
  answer(
    selected: readonly SelectedFeature[],
    request: OracleRequest,
    mode: OracleMode,
  ): OracleAnswer[];
  versions(source: string): readonly RowVersion[];
}

/**
 * Makes an oracle. `changes` are those of every source in the order of delivery. `ended` are the
 * completed snapshots of later generations. `fault` makes an oracle with one mistake.
 */
export function createOracle(log: {
  readonly sources: readonly SourceSpec[];
  readonly changes: readonly Change[];
  readonly fault?: OracleFault | null | undefined;
  readonly completed?: readonly CompletedSnapshot[] | undefined;
}): Oracle {
  const fault = log.fault ?? null;
  const versions = new Map(
    log.sources.map((source) => [
      source.name,
      rowVersions(source, log.changes, fault, log.completed),
    ]),
  );
  return {
    versions: (source) => versions.get(source)!,
    answer: (selected, request, mode) =>
      selected.map((one) => {
        const rows = rowsSeen(one.view, versions.get(one.view.source.name)!, request, mode, fault);
        const answer =
          one.view.kind === "latest"
            ? latestAnswer(one, rows, request.time, fault)
            : windowAnswer(one, rows, request.time, fault);
        const value =
          Object.is(answer.value, -0) && fault !== "negative zero kept" ? 0 : answer.value;
        // A default replaces any null, and the status stays (law 7).
        const filled =
          value === null && one.feature.default !== undefined && fault !== "default forgotten"
            ? one.feature.default
            : value;
        return { ...answer, value: filled };
      }),
  };
}

/** A row that is seen at the time of a request. */
export interface SeenRow {
  readonly time: number;
  readonly version: RowVersion;
}

/** Returns the rows of the requested entity that are seen at t, each with its event time. */
export function rowsSeen(
  view: ViewSpec,
  versions: readonly RowVersion[],
  request: OracleRequest,
  mode: OracleMode,
  fault: OracleFault | null = null,
): SeenRow[] {
  const source = view.source;
  const index = (name: string): number =>
    source.columns.findIndex((column) => column.name === name);
  const asked = view.entity.keys.map((key) => request.keys[key.name] ?? null);
  const keyColumns = view.keyColumns.map(index);
  const rows: SeenRow[] = [];
  for (const version of versions) {
    if (version.unknown.length > 0) continue;
    if (!isSeen(source, version, request.time, mode, fault)) continue;
    const keys = keyColumns.map((i) => version.values[i] ?? null);
    // A row whose entity key or event time is null or unreadable belongs to no window (law 9).
    if (keys.includes(null) || textOfAll(keys) !== textOfAll(asked)) continue;
    const time =
      source.eventTime.kind === "committed"
        ? version.from
        : (version.values[index(source.eventTime.column)] ?? null);
    if (time !== null) rows.push({ time: time as number, version });
  }
  return rows;
}

function isSeen(
  source: SourceSpec,
  version: RowVersion,
  t: number,
  mode: OracleMode,
  fault: OracleFault | null,
): boolean {
  const dimension = source.eventTime.kind === "committed";
  if (mode === "corrected" && (!dimension || fault === "dimension by final rows"))
    return version.to === Infinity;
  if (mode === "known" && !dimension && fault === "commit time ignored")
    return version.to === Infinity;
  const begun = fault === "known from closed" ? version.from <= t : version.from < t;
  return begun && (fault === "known to open" ? t < version.to : t <= version.to);
}

/** Tests membership in the window (law 1: t − w ≤ event time < t). */
function inWindow(time: number, t: number, window: number, fault: OracleFault | null): boolean {
  const day = 86_400_000_000;
  const begin =
    fault === "window aligned to days" ? Math.floor((t - window) / day) * day : t - window;
  return (
    (fault === "far edge open" ? begin < time : begin <= time) &&
    (fault === "near edge closed" ? time <= t : time < t)
  );
}

function windowAnswer(
  one: SelectedFeature,
  rows: readonly SeenRow[],
  t: number,
  fault: OracleFault | null,
): OracleAnswer {
  const { view, feature } = one;
  const source = view.source;
  const window = feature.window!;
  const longest =
    fault === "status of own window" ? window : Math.max(...view.features.map((f) => f.window!));
  const around = rows.filter((row) => inWindow(row.time, t, longest, fault));
  const passing = rows.filter((row) => passes(one, row, fault));
  const column =
    feature.column === null ? null : source.columns.find((c) => c.name === feature.column)!;
  const input = (list: readonly SeenRow[]): Value[] =>
    list.map((row) =>
      column === null ? null : (row.version.values[source.columns.indexOf(column)] ?? null),
    );
  let result: Aggregated = aggregate(
    feature.aggregate,
    column,
    input(passing.filter((row) => inWindow(row.time, t, window, fault))),
    fault,
  );
  if (fault === "float subtract" && feature.aggregate === "sum" && column!.type === "float64") {
    const before = (edge: number): SeenRow[] => passing.filter((row) => row.time < edge);
    result = { value: subtractedSum(input(before(t)), input(before(t - window))), overflow: false };
  }
  return {
    ...result,
    status: around.length === 0 ? "NOT_FOUND" : result.value === null ? "NULL_VALUE" : "PRESENT",
    eventTime: around.length === 0 ? null : Math.max(...around.map((row) => row.time)),
  };
}

/**
 * Answers a latest feature (law 2: the newest row with t − ttl ≤ stamp ≤ t). The status is
 * OUTSIDE_MAX_AGE if the newest row is older (law 7).
 */
function latestAnswer(
  one: SelectedFeature,
  rows: readonly SeenRow[],
  t: number,
  fault: OracleFault | null,
): OracleAnswer {
  const { view, feature } = one;
  const holding = rows.filter(
    (row) =>
      (fault === "fact at t unseen" ? row.time < t : row.time <= t) && passes(one, row, fault),
  );
  const newest = holding.toSorted((a, b) => newer(view.source, a, b, fault)).at(-1);
  if (newest === undefined)
    return { value: null, status: "NOT_FOUND", eventTime: null, overflow: false };
  const oldest = view.ttl === null ? -Infinity : t - view.ttl;
  if (fault === "ttl exclusive" ? newest.time <= oldest : newest.time < oldest) {
    if (fault === "stale is not found")
      return { value: null, status: "NOT_FOUND", eventTime: null, overflow: false };
    return { value: null, status: "OUTSIDE_MAX_AGE", eventTime: newest.time, overflow: false };
  }
  const value =
    newest.version.values[
      view.source.columns.findIndex((column) => column.name === feature.column)
    ] ?? null;
  return {
    value,
    status: value === null ? "NULL_VALUE" : "PRESENT",
    eventTime: newest.time,
    overflow: false,
  };
}

/**
 * Orders rows by stamp, then the declared created column, then the primary key (law 2: never by
 * arrival). A missing created value is the earliest.
 */
function newer(source: SourceSpec, a: SeenRow, b: SeenRow, fault: OracleFault | null): number {
  if (a.time !== b.time) return a.time - b.time;
  if (fault === "tie by arrival") return a.version.arrival - b.version.arrival;
  const names = [
    ...(source.createdAt === null || fault === "tie ignores created" ? [] : [source.createdAt]),
    ...source.primaryKey,
  ];
  for (const name of names) {
    const i = source.columns.findIndex((column) => column.name === name);
    const left = a.version.values[i] ?? null;
    const right = b.version.values[i] ?? null;
    if (left === null || right === null) {
      if (left !== right) return left === null ? -1 : 1;
      continue;
    }
    const order = compare(source.columns[i]!.type, left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function passes(one: SelectedFeature, row: SeenRow, fault: OracleFault | null): boolean {
  if (one.feature.where === null) return true;
  const result = truth(one.feature.where, one.view.source, row.version.values);
  return result === true || (result === null && fault === "unknown passes");
}
