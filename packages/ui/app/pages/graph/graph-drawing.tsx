/** Draws a graph. Each node is a link that makes it the focus. */
import type { ComponentChildren } from "preact";
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
  readonly badge: (id: string) => ComponentChildren;
}): preact.JSX.Element {
  return (
    <div class="graph-scroll" role="region" aria-label="Graph of the definitions" tabIndex={0}>
      <svg class="graph" width={graph.width} height={graph.height}>
        {graph.edges.map(({ points }, i) => (
          <path key={i} d={`M${points.map(({ x, y }) => `${x} ${y}`).join("L")}`} />
        ))}
        {graph.nodes.map(({ id, kind, name, x, y }) => (
          <g key={id} transform={`translate(${x - NODE_WIDTH / 2} ${y - NODE_HEIGHT / 2})`}>
            <a
              href={hrefOf(["graph"], { focus: id, depth: String(depth) })}
              aria-current={id === focus ? "true" : undefined}
              class={`node-${kind} ${id === focus ? "node-focus" : ""}`}
            >
              <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={8} />
              <text x={12} y={20}>
                {name.length > 23 ? `${name.slice(0, 22)}…` : name}
              </text>
              <text class="node-kind" x={12} y={37}>
                {kind}
                {badge(id)}
              </text>
            </a>
          </g>
        ))}
      </svg>
    </div>
  );
}
