/** The graph of the definitions: which is made of which. */

/** A definition in the graph. */
export interface GraphNode {
  /** Its kind and name, as in `view weekly`. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
}

/** `to` is made of `from`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Keeps the nodes that are at most `depth` steps up or down from the focus. */
export function around(graph: Graph, focus: string | null, depth: number): Graph {
  if (focus === null || !graph.nodes.some(({ id }) => id === focus)) return graph;
  const kept = new Set([
    ...reached(focus, depth, graph.edges),
    ...reached(
      focus,
      depth,
      graph.edges.map(({ from, to }) => ({ from: to, to: from })),
    ),
  ]);
  return {
    nodes: graph.nodes.filter(({ id }) => kept.has(id)),
    edges: graph.edges.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  };
}

/** The nodes that at most `depth` edges reach, in their direction. */
function reached(start: string, depth: number, edges: readonly GraphEdge[]): ReadonlySet<string> {
  const all = new Set([start]);
  let last: readonly string[] = [start];
  for (let step = 0; step < depth && last.length > 0; step++) {
    const before = new Set(last);
    last = edges.flatMap(({ from, to }) => (before.has(from) && !all.has(to) ? [to] : []));
    for (const id of last) all.add(id);
  }
  return all;
}
