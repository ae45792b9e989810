/**
 * Describes where features come from, as a graph: table → source → derived source → view → derived
 * view → service. It is the answer of `GET /v1/lineage`.
 */
import type { Definitions, Metadata } from "@tidemark/core";
import {
  expressionText,
  featureCode,
  isDerived,
  metadataOf,
  textOfWindow,
  viewSelection,
} from "@tidemark/core/internal";
import type {
  DerivedViewSpec,
  FeatureSpec,
  SelectedFeature,
  SourceSpec,
  ViewSpec,
} from "@tidemark/core/spi";
import type { Serving } from "../http/serving.ts";
import { featureText } from "./descriptions.ts";

/** The kinds of nodes, from the data to its users. */
export const NODE_KINDS = [
  "table",
  "source",
  "derived source",
  "view",
  "derived view",
  "transform",
  "service",
] as const;

/** A node of the graph. */
export interface LineageNode {
  /** The kind and the name: `view weekly`. */
  readonly id: string;
  readonly kind: (typeof NODE_KINDS)[number];
  readonly name: string;
  /** The name under which the definitions export it. Omitted: they do not export it. */
  readonly exported?: string | undefined;
  /** Omitted if there is none. */
  readonly metadata?: Metadata | undefined;
  /** Of a view: only rows that meet this condition count. Omitted: all rows count. */
  readonly condition?: string | undefined;
}

/** An edge: the data goes from one node to the other. */
export interface LineageEdge {
  readonly from: string;
  readonly to: string;
}

/** A feature, and who uses it. */
export interface LineageFeature {
  /** `view:feature`. */
  readonly feature: string;
  /** The id of its view. */
  readonly view: string;
  /** What is computed, in words. */
  readonly expression: string;
  /** Its definition in TypeScript. null: it has no such form, as an output of a transform. */
  readonly code: string | null;
  /** Its windows in words. Empty: a fact, or a derived feature. */
  readonly windows: readonly string[];
  /** The features that a derived feature reads, as `view:feature`. */
  readonly reads: readonly string[];
  /** The services that have it, and those that have a feature that reads it. */
  readonly services: readonly string[];
  /** Omitted if there is none. */
  readonly metadata?: Metadata | undefined;
}

/** The answer of `GET /v1/lineage`. */
export interface LineageJson {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
  readonly features: readonly LineageFeature[];
}

/**
 * Makes the graph of all definitions. `exported`: the names under which the module exports
 * definitions, by the name of the definition.
 */
export function lineageJson(
  definitions: Definitions,
  exported: Serving["exported"] = { data: new Map(), services: new Map() },
): LineageJson {
  const graph = new Graph();
  for (const source of definitions.sources.values()) addSource(graph, source);
  for (const view of definitions.views.values()) addView(graph, view);
  for (const view of definitions.derivedViews.values()) addDerivedView(graph, view);
  const users = new Map<string, Set<string>>();
  for (const service of definitions.services.values()) {
    const id = graph.add("service", service.name, { metadata: metadataOf(service) });
    for (const selected of service.features) {
      graph.connect(idOfView(selected.view), id);
      for (const name of [nameOf(selected), ...readsOf(selected)])
        users.set(name, (users.get(name) ?? new Set()).add(service.name));
    }
  }
  const views = [...definitions.views.values(), ...definitions.derivedViews.values()];
  return {
    nodes: Array.from(graph.nodes.values(), (node) => ({
      ...node,
      exported: exportedNode(node, exported),
    })),
    edges: [...graph.edges.values()],
    features: views.flatMap((view) =>
      viewSelection(view)
        .filter(({ as, feature }) => as === feature.name)
        .map((selected) => featureLineage(selected, users, exported.data)),
    ),
  };
}

function exportedNode(
  { kind, name }: LineageNode,
  { data, services }: Serving["exported"],
): string | undefined {
  if (kind === "table") return undefined;
  return (kind === "service" ? services : data).get(name);
}

class Graph {
  readonly nodes = new Map<string, LineageNode>();
  readonly edges = new Map<string, LineageEdge>();

  add(
    kind: LineageNode["kind"],
    name: string,
    more: Pick<LineageNode, "metadata" | "condition"> = {},
  ): string {
    const id = idOf(kind, name);
    if (!this.nodes.has(id)) this.nodes.set(id, { id, kind, name, ...more });
    return id;
  }

  connect(from: string, to: string): void {
    this.edges.set(`${from}\n${to}`, { from, to });
  }
}

function idOf(kind: LineageNode["kind"], name: string): string {
  return `${kind} ${name}`;
}

function idOfView(view: ViewSpec | DerivedViewSpec): string {
  if (view.kind !== "derived") return idOf("view", view.name);
  return idOf(view.transform === undefined ? "derived view" : "transform", view.name);
}

/** Rows are pushed to a push source, so it has no table. */
function addSource(graph: Graph, source: SourceSpec): void {
  const id = graph.add("source", source.name, { metadata: metadataOf(source) });
  if (source.push !== true) graph.connect(graph.add("table", source.table), id);
}

/**
 * The rows of a view come through the sources of sources that have metadata. The tables of a union
 * come through the union. What is between a table and its union is left out.
 */
function addView(graph: Graph, view: ViewSpec): void {
  const { rows, parts, lookups = [], through = [] } = view;
  const id = graph.add("view", view.name, {
    metadata: metadataOf(view),
    condition: rows === undefined ? undefined : expressionText(rows),
  });
  const known = through.map(({ name }) => name);
  const union = known.indexOf(view.source.name);
  const names =
    parts === undefined ? known : union < 0 ? [view.source.name] : known.slice(0, union + 1);
  const steps = names.map((name) =>
    graph.add("derived source", name, {
      metadata: metadataOf(through.find((one) => one.name === name) ?? view.source),
    }),
  );
  const way = [id, ...steps];
  for (const [i, step] of steps.entries()) graph.connect(step, way[i]!);
  const last = way.at(-1)!;
  const tables = parts === undefined ? [view.source] : parts.map(({ source }) => source);
  for (const source of [...tables, ...lookups.map(({ dimension }) => dimension)])
    graph.connect(idOf("source", source.name), last);
}

function addDerivedView(graph: Graph, view: DerivedViewSpec): void {
  const kind = view.transform === undefined ? "derived view" : "transform";
  const id = graph.add(kind, view.name, { metadata: metadataOf(view) });
  for (const { inputs, transforms = [] } of view.features) {
    for (const input of inputs) graph.connect(idOf("view", input.view.name), id);
    for (const { name } of transforms)
      if (name !== view.name) graph.connect(idOf("transform", name), id);
  }
}

function nameOf({ view, feature }: SelectedFeature): string {
  return `${view.name}:${feature.name}`;
}

function readsOf(selected: SelectedFeature): readonly string[] {
  if (!isDerived(selected)) return [];
  return [
    ...new Set(selected.feature.inputs.map(({ view, feature }) => `${view.name}:${feature.name}`)),
  ];
}

function featureLineage(
  selected: SelectedFeature,
  users: ReadonlyMap<string, ReadonlySet<string>>,
  exported: ReadonlyMap<string, string>,
): LineageFeature {
  return {
    feature: nameOf(selected),
    view: idOfView(selected.view),
    expression: featureText(selected),
    code: featureCode(selected, (name) => exported.get(name) ?? name),
    windows: isDerived(selected) ? [] : windowTexts(selected.feature),
    reads: readsOf(selected),
    services: [...(users.get(nameOf(selected)) ?? [])],
    metadata: metadataOf(selected.feature),
  };
}

function windowTexts({ window, function: computed }: FeatureSpec): readonly string[] {
  const windows = computed === undefined ? [window] : computed.aggregates.map((one) => one.window);
  const present = windows.filter((one) => one !== null);
  return [...new Set(present.map((one) => textOfWindow(one)))];
}
