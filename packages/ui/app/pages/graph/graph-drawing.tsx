/** Draws a graph. Each node is a link that makes it the focus. */
import type { ComponentChildren } from "preact";
import type { GraphNode } from "./graph-of.ts";
import { hrefOf } from "../../routing/router.ts";
import { NODE_HEIGHT, NODE_WIDTH, type PlacedGraph } from "./layout.ts";

export function GraphDrawing({
  graph,
  focus,
  depth,
  badge,
}: {
  readonly graph: PlacedGraph;
  readonly focus: string | null;
  readonly depth: number;
  /** A short text for a node, such as its lag. */
  readonly badge: (node: GraphNode) => ComponentChildren;
}): preact.JSX.Element {
  return (
    <div class="graph-scroll" role="region" aria-label="Graph of the definitions" tabIndex={0}>
      <svg class="graph" width={graph.width} height={graph.height}>
        {graph.edges.map(({ points }, i) => (
          <path key={i} d={`M${points.map(({ x, y }) => `${x} ${y}`).join("L")}`} />
        ))}
        {graph.nodes.map(({ x, y, ...node }) => (
          <g key={node.id} transform={`translate(${x - NODE_WIDTH / 2} ${y - NODE_HEIGHT / 2})`}>
            <a
              href={hrefOf(["graph"], { focus: node.id, depth: String(depth) })}
              aria-current={node.id === focus ? "true" : undefined}
              class={`node-${node.kind.replace(" ", "-")} ${node.id === focus ? "node-focus" : ""}`}
            >
              <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={8} />
              <text x={12} y={20}>
                {node.name.length > 21 ? `${node.name.slice(0, 20)}…` : node.name}
              </text>
              <text class="node-kind" x={12} y={37}>
                {node.kind}
                {badge(node)}
              </text>
            </a>
          </g>
        ))}
      </svg>
    </div>
  );
}
