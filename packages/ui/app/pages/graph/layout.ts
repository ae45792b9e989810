/** Places the nodes of a graph, from left to right. The layout is loaded when a graph is shown. */
import type { Graph, GraphNode } from "./graph-of.ts";

/** A node with its place: the middle of its box, in pixels. */
export interface PlacedNode extends GraphNode {
  readonly x: number;
  readonly y: number;
}

/** A graph with places. */
export interface PlacedGraph {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  /** The points of each edge. */
  readonly edges: readonly { readonly points: readonly { x: number; y: number }[] }[];
}

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 46;

export async function placed({ nodes, edges }: Graph): Promise<PlacedGraph> {
  const { default: dagre } = await import("@dagrejs/dagre");
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 44, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) graph.setNode(id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    nodes: nodes.map((node) => {
      const { x, y } = graph.node(node.id) as { x: number; y: number };
      return { ...node, x, y };
    }),
    edges: edges.map(({ from, to }) => ({
      points: (graph.edge(from, to) as { points: { x: number; y: number }[] }).points,
    })),
  };
}
