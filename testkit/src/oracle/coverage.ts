/**
 * Counts which cases the comparisons of a run covered. A suite that never met a case proves nothing
 * about it.
 */
import { aggregators } from "../../../packages/core/src/aggregate/registry.ts";
import { columnsIn } from "../generate/expressions.ts";
import type {
  Expression,
  FeatureSpec,
  SelectedBaseFeature,
  SelectedDerivedFeature,
  SelectedFeature,
  Value,
  ViewSpec,
  WindowSpec,
} from "../../../packages/core/src/specs.ts";
import type { Tag } from "../generate/messages.ts";
import {
  rowsSeen,
  type Oracle,
  type OracleMode,
  type OracleRequest,
  type SeenRow,
} from "./oracle.ts";
import { textOfAll } from "./values.ts";
import { windowAt } from "./windows.ts";
import type { Scenario } from "../generate/scenario.ts";

/** Counts by label; `comparisons` is the number of compared answers. */
export class Coverage {
  comparisons = 0;
  private readonly counts = new Map<string, number>();

  add(labels: Iterable<string>): void {
    this.comparisons += 1;
    for (const label of labels) this.counts.set(label, (this.counts.get(label) ?? 0) + 1);
  }

  merge(other: Coverage): void {
    this.comparisons += other.comparisons;
    for (const [label, count] of other.counts)
      this.counts.set(label, (this.counts.get(label) ?? 0) + count);
  }

  count(label: string): number {
    return this.counts.get(label) ?? 0;
  }

  /** Returns those of the labels with fewer than `least` counts, with their counts. */
  below(labels: readonly string[], least: number): string[] {
    return labels
      .filter((label) => this.count(label) < least)
      .map((label) => `${label}: ${this.count(label)}`);
  }

  /** Returns one label a line, in the order of labels. */
  toText(): string {
    const lines = [...this.counts]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([label, count]) => `${String(count).padStart(10)}  ${label}`);
    return [`${String(this.comparisons).padStart(10)}  comparisons`, ...lines].join("\n");
  }
}

/** The kinds of changes that a suite must cover. */
export const changeKinds: readonly Tag[] = [
  "insert",
  "update",
  "equal update",
  "delete",
  "delete and reinsert",
  "insert then delete",
  "key change",
  "entity move",
  "time move",
  "late event",
  "future event",
  "several changes in one transaction",
  "concurrent transactions",
  "truncate",
  "snapshot row",
  "incremental snapshot row",
  "snapshot after a gap",
  "placeholder",
  "placeholder unresolved",
  "unreadable message",
  "unknown column",
  "before 1970",
  "commit clock went back",
  "delivered again",
  "partition added",
  "c without its d",
  "milliseconds only",
  "overflowing float",
  "no LSN",
];

/** The edges of a window that a suite must cover. */
export const windowEdges = [
  "event at t − w",
  "event at t − w + 1",
  "event at t − 1",
  "event at t",
] as const;

/** Edges besides those of windows. */
export const otherEdges = [
  "event at t − w − 1",
  "event at t + 1",
  "fact at t − ttl − 1",
  "fact at t − ttl",
  "fact at t − ttl + 1",
  "fact at t − 1",
  "fact at t",
  "fact at t + 1",
  "known from t − 1",
  "known from t",
  "known to t − 1",
  "known to t",
] as const;

/** The kinds of missing values that a suite must cover. */
export const nullKinds: readonly Tag[] = [
  "null in value",
  "null not allowed in value",
  "NaN in value",
  "Infinity in value",
  "infinite time in value",
  "unreadable in value",
  "too precise in value",
  "null in event time",
  "null not allowed in event time",
  "infinite time in event time",
  "unreadable in event time",
  "null in entity key",
  "null not allowed in entity key",
];

type Label = (selected: SelectedFeature) => Set<string>;

/**
 * Returns the labels of each feature's comparison for one request. A change kind counts if a row of
 * the requested entity went through it. The row needs an image inside or near the longest window.
 */
export function labelsOf(
  scenario: Scenario,
  oracle: Oracle,
): (request: OracleRequest, mode: OracleMode) => Label {
  const tableViews = scenario.views.filter(({ parts }) => parts === undefined);
  const histories = new Map(tableViews.map((view) => [view, rowHistories(scenario, view, oracle)]));
  return (request, mode) => {
    const shared = new Map(
      tableViews.map((view) => [
        view,
        {
          tags: tagsOfNearRows(view, histories.get(view)!, request),
          rows: seenRows(oracle, view, request, mode),
        },
      ]),
    );
    return (selected) => {
      if (selected.view.kind === "derived") {
        const { value, transforms } = (selected as SelectedDerivedFeature).feature;
        return new Set([
          `mode ${mode}`,
          transforms === undefined ? "derived view" : "transform",
          ...functionLabels(value),
        ]);
      }
      const { view, feature } = selected as SelectedBaseFeature;
      if (view.parts !== undefined) {
        const isExploded = view.parts[0]!.explode !== undefined;
        return new Set([`mode ${mode}`, isExploded ? "exploded source" : "union source"]);
      }
      const { tags, rows } = shared.get(view)!;
      const t = request.time;
      const labels = new Set<string>([`mode ${mode}`, ...tags]);
      const argument = feature.arguments[0];
      const [read] = columnsIn(argument ?? null);
      const column = view.source.columns.findIndex((one) => one.name === read);
      labels.add(`${feature.aggregate} ${argument?.type ?? "rows"}`);
      if (feature.function !== undefined)
        for (const label of functionLabels(feature.function.value)) labels.add(label);
      if (feature.where !== null) labels.add("where");
      for (const label of combinationsOf(feature)) labels.add(label);
      if (view.rows !== undefined) labels.add("derived source");
      if (view.lookups !== undefined) labels.add("enriched source");
      // The edges of calendars and delays are counted apart.
      const length =
        view.kind === "latest"
          ? view.ttl
          : typeof feature.window === "number"
            ? feature.window
            : null;
      if (feature.window !== null && typeof feature.window !== "number")
        for (const label of edgeLabels(feature, rows, t)) labels.add(label);
      const [what, far] = view.kind === "latest" ? ["fact", "t − ttl"] : ["event", "t − w"];
      for (const { time, version } of rows) {
        for (const [near, name] of [
          [-1, "t − 1"],
          [0, "t"],
          [1, "t + 1"],
        ] as const)
          if (time === t + near) labels.add(`${what} at ${name}`);
        if (length === null) continue;
        for (const [near, name] of [
          [-1, " − 1"],
          [0, ""],
          [1, " + 1"],
        ] as const)
          if (time === t - length + near) labels.add(`${what} at ${far}${name}`);
        const kind = column < 0 ? null : (scenario.missing[version.arrival]?.[column] ?? null);
        if (kind !== null && time >= t - length && time <= t) labels.add(`${kind} in value`);
      }
      if (mode === "known" || view.source.eventTime.kind === "committed") {
        for (const { from, to } of histories
          .get(view)!
          .filter((history) => history.keys.has(askedKeys(view, request)))
          .flatMap((history) => history.intervals)) {
          if (from === t - 1 || from === t) labels.add(`known from ${from === t ? "t" : "t − 1"}`);
          if (to === t - 1 || to === t) labels.add(`known to ${to === t ? "t" : "t − 1"}`);
        }
      }
      return labels;
    };
  };
}

/** The functions of an expression. */
function functionLabels(expression: Expression): readonly string[] {
  return expression.op === "call"
    ? [`function ${expression.function}`, ...expression.arguments.flatMap(functionLabels)]
    : [];
}

/** The functions of lists, maps and structs, and of the time of the answer. */
export const partFunctions = [
  "asOf",
  "member",
  "elementOf",
  "contains",
  "valueAt",
  "sumOf",
  "avgOf",
  "minOf",
  "maxOf",
  "stddevOf",
  "slopeOf",
  "quantileOf",
] as const;

function seenRows(
  oracle: Oracle,
  given: ViewSpec,
  request: OracleRequest,
  mode: OracleMode,
): SeenRow[] {
  const { view, versionsOf } = oracle.rowsOf(given);
  return rowsSeen(view, versionsOf, request, mode);
}

interface RowHistory {
  readonly images: { readonly keys: string; readonly time: number }[];
  readonly keys: Set<string>;
  readonly tags: Set<Tag>;
  readonly intervals: { readonly from: number; readonly to: number }[];
}

function askedKeys(view: ViewSpec, request: OracleRequest): string {
  return textOfAll(view.entity.keys.map((key) => request.keys[key.name] ?? null));
}

/** Returns, by primary key, every image that the log showed, with the kinds of its changes. */
function rowHistories(scenario: Scenario, view: ViewSpec, oracle: Oracle): RowHistory[] {
  const { source } = view;
  const histories = new Map<string, RowHistory>();
  const indexes = (names: readonly string[]): number[] =>
    names.map((name) => source.columns.findIndex((column) => column.name === name));
  const historyOf = (key: readonly Value[]): RowHistory => {
    const found = histories.get(textOfAll(key)) ?? {
      images: [],
      keys: new Set(),
      tags: new Set(),
      intervals: [],
    };
    histories.set(textOfAll(key), found);
    return found;
  };
  const primary = indexes(source.primaryKey);
  const keyColumns = indexes(view.keyColumns);
  scenario.truth.forEach((change, i) => {
    if (change.source !== source.name || change.values === null) return;
    const history = historyOf(primary.map((p) => change.values![p] ?? null));
    for (const tag of scenario.tags[i]!) if (!tag.endsWith(" in value")) history.tags.add(tag);
    if (change.kind !== "upsert" || change.undecodable !== null) return;
    const keys = textOfAll(keyColumns.map((k) => change.values![k] ?? null));
    const time =
      source.eventTime.kind === "column"
        ? (change.values[indexes([source.eventTime.column])[0]!] ?? null)
        : change.committed;
    history.keys.add(keys);
    if (time !== null) history.images.push({ keys, time: time as number });
  });
  const truncates = scenario.truth
    .filter((change) => change.source === source.name && change.kind === "truncate")
    .map((change) => change.committed);
  for (const version of oracle.versions(source.name)) {
    const history = historyOf(version.key);
    history.intervals.push(version);
    if (truncates.includes(version.to)) history.tags.add("truncate");
  }
  return [...histories.values()];
}

/** The kinds of windows. */
const windowKinds = [
  "length",
  "delayed",
  "lifetime",
  "current",
  "previous",
  "lastRows",
  "series",
  "calendarSeries",
] as const;

const kindOfWindow = (window: WindowSpec): (typeof windowKinds)[number] =>
  typeof window === "number" ? "length" : window.kind;

/** What a suite must combine each aggregation with: kinds of windows, conditions, categories. */
export const combinations: readonly string[] = aggregators
  .filter(({ accumulator }) => accumulator !== null)
  .flatMap(({ name }) => [
    ...windowKinds.map((kind) => `${name} over ${kind}`),
    `${name} where`,
    `${name} by category`,
  ]);

/** The combinations that a feature has. */
function combinationsOf({ aggregate, window, where, by }: FeatureSpec): string[] {
  if (window === null) return [];
  return [
    `${aggregate} over ${kindOfWindow(window)}`,
    ...(where === null ? [] : [`${aggregate} where`]),
    ...(by === undefined ? [] : [`${aggregate} by category`]),
  ];
}

/** Says which edges of a window that is more than a length a row meets. */
function edgeLabels({ window }: FeatureSpec, rows: readonly SeenRow[], t: number): string[] {
  const kind = kindOfWindow(window!);
  const { from, to } = windowAt(window!, t);
  const at = (time: number): boolean => rows.some((row) => row.time === time);
  return [
    ...(at(from) ? [`event at the start of ${kind}`] : []),
    ...(at(from - 1) ? [`event before the start of ${kind}`] : []),
    ...(at(to) ? [`event at the end of ${kind}`] : []),
    ...(at(to - 1) ? [`event before the end of ${kind}`] : []),
  ];
}

/**
 * Returns the kinds of changes of the requested entity's rows with an image inside or near the
 * longest window.
 */
function tagsOfNearRows(
  view: ViewSpec,
  histories: readonly RowHistory[],
  request: OracleRequest,
): Set<string> {
  const keys = askedKeys(view, request);
  const longest =
    view.kind === "latest"
      ? (view.ttl ?? Infinity)
      : Math.max(
          ...view.features.map(({ window }) => request.time - windowAt(window!, request.time).from),
        );
  const near = histories.filter((history) =>
    history.images.some(
      (image) =>
        image.keys === keys &&
        image.time >= request.time - longest - 1 &&
        image.time <= request.time + 1,
    ),
  );
  return new Set(near.flatMap((history) => [...history.tags]));
}
