/**
 * Implements the naive oracle: LAWS.md over plain arrays. The oracle is simple and slow, and shares
 * only types with the rest of core. Every path must give its bits.
 */
import type {
  Expression,
  SelectedBaseFeature,
  SelectedDerivedFeature,
  SelectedFeature,
  SourceSpec,
  UnionPart,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change, Status } from "../../../packages/core/src/spi.ts";
import { isQuarantined } from "./row-expectations.ts";
import { aggregateRows, subtractedSum, type Aggregated } from "./aggregate.ts";
import { byCategory } from "./categories.ts";
import { evaluate, truth } from "./condition.ts";
import { rowsOfView, type ReadRows, type RowsOfView } from "./lookups.ts";
import { orderedAggregate } from "./ordered.ts";
import type { OracleFault } from "./planted-faults.ts";
import { rowVersions, type CompletedSnapshot, type RowVersion } from "./rows.ts";
import { mixOutputs } from "./transforms.ts";
import { compare, sameBits, textOfAll } from "./values.ts";
import { newestIn, seriesAt, windowAt, type WindowAt } from "./windows.ts";

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
  /** The rows that a view is over, with what they look up. */
  rowsOf<V extends ReadRows>(view: V): RowsOfView<V>;
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
  const known = new Map<ReadRows, RowsOfView<ReadRows>>();
  const rowsOf = <V extends ReadRows>(view: V): RowsOfView<V> => {
    const found = known.get(view) ?? rowsOfView(view, (name) => versions.get(name)!, fault);
    known.set(view, found);
    return found as RowsOfView<V>;
  };
  const answer: Oracle["answer"] = (selected, request, mode) => {
    // the features of one view are over the same rows
    const seen = new Map<RowsOfView<ReadRows>, readonly SeenRow[]>();
    return selected.map((given) => {
      if (isDerived(given))
        return derivedAnswer(given, request, (input) => answer([input], request, mode)[0]!, fault);
      const read = rowsOf(given.view);
      const { view, versionsOf } = read;
      const one = { ...given, view };
      const rows = seen.get(read) ?? rowsSeen(view, versionsOf, request, mode, fault);
      seen.set(read, rows);
      const found =
        one.view.kind === "latest"
          ? latestAnswer(one, rows, request.time, fault)
          : windowAnswer(one, rows, request.time, fault);
      const value = Object.is(found.value, -0) && fault !== "negative zero kept" ? 0 : found.value;
      // A default replaces any null, and the status stays (law 7).
      const filled =
        value === null && one.feature.default !== undefined && fault !== "default forgotten"
          ? one.feature.default
          : value;
      return { ...found, value: filled };
    });
  };
  return { versions: (source) => versions.get(source)!, rowsOf, answer };
}

function isDerived(one: SelectedFeature): one is SelectedDerivedFeature {
  return one.view.kind === "derived";
}

/** Answers a derived feature from the answers of its inputs and from the request. */
function derivedAnswer(
  { feature }: SelectedDerivedFeature,
  request: OracleRequest,
  answerInput: (input: SelectedBaseFeature) => OracleAnswer,
  fault: OracleFault | null,
): OracleAnswer {
  const parts = feature.inputs.map((one) => answerInput({ ...one, as: "" }));
  const read = new Map<string, Value>([
    ...feature.inputs.map(
      ({ view, feature: input }, i) => [`${view.name}.${input.name}`, parts[i]!.value] as const,
    ),
    ...feature.request.map(({ name }) => [name, request.keys[name] ?? null] as const),
  ]);
  for (const [name, value] of read) if (Object.is(value, -0)) read.set(name, 0);
  for (const transform of feature.transforms ?? []) {
    const values = transform.inputs.map((one) => valueOver(read, one.value, request.time));
    for (const [output, value] of mixOutputs(transform, values))
      read.set(`${transform.name}.${output}`, value);
  }
  const computed = valueOver(read, feature.value, request.time);
  const replaced = fault === "default forgotten" ? undefined : feature.default;
  const value = computed ?? replaced ?? null;
  const times = parts.flatMap(({ eventTime }) => eventTime ?? []);
  const isFound = feature.request.length > 0 || parts.some(({ status }) => status !== "NOT_FOUND");
  return {
    value,
    status: !isFound ? "NOT_FOUND" : value === null ? "NULL_VALUE" : "PRESENT",
    eventTime: times.length === 0 ? null : Math.max(...times),
    overflow: false,
  };
}

function valueOver(read: ReadonlyMap<string, Value>, expression: Expression, t: number): Value {
  const columns = [...read.keys()].map((name) => ({ name }));
  return evaluate(expression, { columns }, [...read.values()], t);
}

/** A row that is seen at the time of a request. */
export interface SeenRow {
  readonly time: number;
  readonly version: RowVersion;
  /** Where a row of a union comes from. */
  readonly origin?: { readonly part: UnionPart; readonly version: RowVersion } | undefined;
}

/** Returns the rows of the requested entity that are seen at t, each with its event time. */
export function rowsSeen(
  view: ViewSpec,
  versionsOf: (source: string) => readonly RowVersion[],
  request: OracleRequest,
  mode: OracleMode,
  fault: OracleFault | null = null,
): SeenRow[] {
  if (view.parts !== undefined)
    return view.parts.flatMap((part) => partRowsSeen(view, part, versionsOf, request, mode, fault));
  const source = view.source;
  const versions = versionsOf(source.name);
  const index = (name: string): number =>
    source.columns.findIndex((column) => column.name === name);
  const askedText = textOfAll(view.entity.keys.map((key) => request.keys[key.name] ?? null));
  const keyColumns = view.keyColumns.map(index);
  const rows: SeenRow[] = [];
  for (const version of versions) {
    if (version.unknown.length > 0) continue;
    if (isQuarantined(source, version.values, fault)) continue;
    if (!isSeen(source, version, request.time, mode, fault)) continue;
    const keys = keyColumns.map((i) => version.values[i] ?? null);
    // A row whose entity key or event time is null or unreadable belongs to no window (law 9).
    if (keys.includes(null) || textOfAll(keys) !== askedText) continue;
    // Of a derived source only the rows that meet its condition are there.
    if (view.rows !== undefined && truth(view.rows, source, version.values) !== true) continue;
    const time =
      source.eventTime.kind === "committed"
        ? version.from
        : (version.values[index(source.eventTime.column)] ?? null);
    if (time !== null) rows.push({ time: time as number, version });
  }
  return rows;
}

/** The rows of one part of a union, with the columns of the union. */
function partRowsSeen(
  view: ViewSpec,
  part: UnionPart,
  versionsOf: (source: string) => readonly RowVersion[],
  request: OracleRequest,
  mode: OracleMode,
  fault: OracleFault | null,
): SeenRow[] {
  const { source, rows } = view;
  const own: ViewSpec = {
    ...view,
    parts: undefined,
    rows: fault === "condition of a part forgotten" ? undefined : part.rows,
    source: part.source,
    keyColumns: view.keyColumns.map((name) => {
      const key = part.columns[name]!;
      if (key.op !== "column") throw new TypeError("rows are found by columns of a table");
      return key.name;
    }),
  };
  const { explode } = part;
  if (explode !== undefined)
    return rowsSeen(own, versionsOf, request, mode, fault).flatMap(({ time, version }) => {
      const list = evaluate(explode.list, part.source, version.values) as readonly Value[] | null;
      const elements = list ?? (fault === "a missing list is a row" ? [null] : []);
      return elements.flatMap((element, i): SeenRow[] => {
        const values = source.columns.map(({ name }) => {
          if (name === explode.element.name) return element;
          if (name !== explode.index.name)
            return evaluate(part.columns[name]!, part.source, version.values);
          return fault === "elements from the last" ? -i : i;
        });
        const passes = rows === undefined || truth(rows, source, values) === true;
        return passes ? [{ time, version: { ...version, values } }] : [];
      });
    });
  return rowsSeen(own, versionsOf, request, mode, fault).flatMap(({ time, version }) => {
    const values = source.columns.map(({ name }) =>
      evaluate(part.columns[name]!, part.source, version.values),
    );
    if (rows !== undefined && truth(rows, source, values) !== true) return [];
    return [{ time, version: { ...version, values }, origin: { part, version } }];
  });
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

/** Tests membership in the window (law 1: from ≤ event time < to). */
function inWindow(time: number, { from, to }: WindowAt, fault: OracleFault | null): boolean {
  const day = 86_400_000_000;
  const begin = fault === "window aligned to days" ? Math.floor(from / day) * day : from;
  return (
    (fault === "far edge open" ? begin < time : begin <= time) &&
    (fault === "near edge closed" ? time <= to : time < to)
  );
}

function windowAnswer(
  one: SelectedBaseFeature,
  rows: readonly SeenRow[],
  t: number,
  fault: OracleFault | null,
): OracleAnswer {
  const { view, feature } = one;
  if (feature.function !== undefined) {
    // The function reads the answers of its windows; the status is that of its own value.
    const { value, aggregates } = feature.function;
    const parts = aggregates.map((part) =>
      windowAnswer(
        { ...one, feature: { ...feature, ...part, function: undefined } },
        rows,
        t,
        fault,
      ),
    );
    const values = parts.map((part) => (Object.is(part.value, -0) ? 0 : part.value));
    const answer = evaluate(value, { columns: aggregates }, values, t);
    const { status, eventTime } = parts[0]!;
    return {
      value: answer,
      status: status === "NOT_FOUND" ? status : answer === null ? "NULL_VALUE" : "PRESENT",
      eventTime,
      overflow: parts.some(({ overflow }) => overflow),
    };
  }
  const window = windowAt(feature.window!, t, fault);
  const deciding = fault === "status of own window" ? [feature] : view.features;
  const starts = deciding
    .flatMap((one) => one.function?.aggregates ?? [one])
    .map((one) => windowAt(one.window!, t, fault).from);
  const longest = { from: Math.min(...starts), to: t };
  const around = rows.filter((row) => inWindow(row.time, longest, fault));
  const passing = rows.filter((row) => passes(one, row, fault));
  const series = seriesAt(feature.window!, t, fault);
  const over = (window: WindowAt): Aggregated =>
    aggregatedOver(one, window, { rows, passing }, t, fault);
  const result = series === null ? over(window) : listOf(series.map(over), fault);
  return {
    ...result,
    status: around.length === 0 ? "NOT_FOUND" : result.value === null ? "NULL_VALUE" : "PRESENT",
    eventTime: around.length === 0 ? null : Math.max(...around.map((row) => row.time)),
  };
}

/** What an aggregation answers for the rows between two edges. */
function aggregatedOver(
  one: SelectedBaseFeature,
  window: WindowAt,
  { rows, passing }: { readonly rows: readonly SeenRow[]; readonly passing: readonly SeenRow[] },
  t: number,
  fault: OracleFault | null,
): Aggregated {
  const { view, feature } = one;
  const { source } = view;
  const { arguments: arguments_, by } = feature;
  if (by !== undefined) {
    const keys = passing
      .filter((row) => inWindow(row.time, window, fault))
      .map((row) => evaluate(by.key, source, row.version.values));
    const answerOf = (where: Expression): Aggregated => {
      const own = { ...one, feature: { ...feature, by: undefined, where } };
      const found = rows.filter((row) => passes(own, row, fault));
      return aggregatedOver(own, window, { rows, passing: found }, t, fault);
    };
    return byCategory(by, feature.where, keys, answerOf, fault);
  }
  const input = (list: readonly SeenRow[]): Value[][] =>
    list.map((row) => arguments_.map((each) => evaluate(each, source, row.version.values)));
  const inOrder = (list: readonly SeenRow[]): readonly SeenRow[] =>
    list
      .filter((row) => inWindow(row.time, window, fault))
      .toSorted((a, b) =>
        newer(source, a, b, fault === "ties in windows by arrival" ? "tie by arrival" : null),
      );
  const counted =
    fault === "lastRows counts before where"
      ? newestIn(feature.window!, inOrder(rows)).filter((row) => passes(one, row, fault))
      : newestIn(feature.window!, inOrder(passing));
  if (
    fault === "float subtract" &&
    feature.aggregate === "sum" &&
    arguments_[0]!.type === "float64"
  ) {
    const before = (edge: number): Value[] =>
      input(passing.filter((row) => row.time < edge)).map(([value]) => value!);
    return { value: subtractedSum(before(window.to), before(window.from)), overflow: false };
  }
  const values = input(counted);
  const ordered = counted.map((row, i) => ({ time: row.time, values: values[i]! }));
  return (
    orderedAggregate(feature, ordered, t, fault) ??
    aggregateRows(feature.aggregate, arguments_, values, fault, feature.options)
  );
}

/** The list of the answers over a series of windows. */
function listOf(answers: readonly Aggregated[], fault: OracleFault | null): Aggregated {
  return {
    value: answers.map(({ value }) =>
      Object.is(value, -0) && fault !== "negative zero kept" ? 0 : value,
    ),
    overflow: answers.some(({ overflow }) => overflow),
  };
}

/**
 * Answers a latest feature (law 2: the newest row with t − ttl ≤ stamp ≤ t). The status is
 * OUTSIDE_MAX_AGE if the newest row is older (law 7).
 */
function latestAnswer(
  one: SelectedBaseFeature,
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
  const value = evaluate(feature.arguments[0]!, view.source, newest.version.values);
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
  if (a.origin !== undefined && b.origin !== undefined)
    return newerInUnion({ ...a, ...a.origin }, { ...b, ...b.origin }, fault);
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

/** Of one time: the later created, then the later name of the part, then the larger key. */
function newerInUnion(
  a: SeenRow & { readonly part: UnionPart },
  b: SeenRow & { readonly part: UnionPart },
  fault: OracleFault | null,
): number {
  if (a.part === b.part)
    return newer(a.part.source, { ...a, origin: undefined }, { ...b, origin: undefined }, fault);
  const created = ({ part: { source }, version }: typeof a): number =>
    Number(
      version.values[source.columns.findIndex(({ name }) => name === source.createdAt)] ?? NaN,
    );
  const [left, right] = fault === "tie ignores created" ? [NaN, NaN] : [created(a), created(b)];
  if (Number.isNaN(left) !== Number.isNaN(right)) return Number.isNaN(left) ? -1 : 1;
  if (left !== right && !Number.isNaN(left)) return left - right;
  const byName = a.part.name < b.part.name ? -1 : 1;
  return fault === "name of a part ignored" ? -byName : byName;
}

function passes(one: SelectedBaseFeature, row: SeenRow, fault: OracleFault | null): boolean {
  if (one.feature.where === null) return true;
  const result = truth(one.feature.where, one.view.source, row.version.values);
  return result === true || (result === null && fault === "unknown passes");
}
