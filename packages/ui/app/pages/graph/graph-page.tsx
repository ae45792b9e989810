/** The graph of tables, sources, views and services. */
import { useEffect, useState } from "preact/hooks";
import type { CheckResults, LineageJson, RegistryPlan, StatusJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { SelectField } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText } from "../../parts/texts.ts";
import { goTo, hrefOf, type Route } from "../../routing/router.ts";
import { around, type Graph, type GraphNode } from "./graph-of.ts";
import { GraphDrawing } from "./graph-drawing.tsx";
import { placed, type PlacedGraph } from "./layout.ts";

const DEPTHS = [
  ["1", "1 step"],
  ["2", "2 steps"],
  ["9", "all steps"],
] as const;

export function GraphPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const lineage = useAnswer<LineageJson>("v1/lineage");
  const status = useAnswer<StatusJson>("v1/status", { every: 5000 });
  const plan = useAnswer<RegistryPlan>("v1/plan");
  const checks = useAnswer<CheckResults>("v1/checks");
  const focus = route.query.get("focus");
  const depth = Number(route.query.get("depth") ?? 9);
  const go = (to: string, steps: string): void =>
    goTo(hrefOf(["graph"], { focus: to, depth: steps }));
  const badge = ({ id, kind, name }: GraphNode): string => {
    const lag = status.data?.sources.find(({ source }) => id === `source ${source}`)?.lag;
    const isUnapplied = plan.data?.changes.some(
      (change) => kind !== "table" && (change.name === name || change.name.startsWith(`${name}.`)),
    );
    const drifted = checks.data?.drift.filter(({ of, isDrifted }) => isDrifted && of === id) ?? [];
    return [
      lag == null || lag.messages === 0 ? "" : ` · lag ${countText(lag.messages)}`,
      isUnapplied === true ? " · not applied" : "",
      drifted.length === 0 ? "" : ` · ${drifted.length} drifted`,
    ].join("");
  };
  return (
    <>
      <h1>Graph</h1>
      <Loaded asked={lineage}>
        {(graph) => (
          <>
            <div class="form">
              <SelectField
                label="Focus"
                value={focus ?? ""}
                onValue={(id) => go(id, String(depth))}
                options={[["", "everything"], ...graph.nodes.map(({ id }) => [id, id] as const)]}
              />
              <SelectField
                label="Depth"
                value={String(depth)}
                onValue={(steps) => go(focus ?? "", steps)}
                options={DEPTHS}
              />
              <DefinitionLink node={graph.nodes.find(({ id }) => id === focus)} />
            </div>
            <Placed graph={around(graph, focus, depth)} focus={focus} depth={depth} badge={badge} />
          </>
        )}
      </Loaded>
    </>
  );
}

function DefinitionLink({
  node,
}: {
  readonly node: GraphNode | undefined;
}): preact.JSX.Element | null {
  if (node === undefined || node.kind === "table" || node.kind === "derived source") return null;
  // derived views and transforms are views of the catalogue
  const kind = node.kind === "source" || node.kind === "service" ? node.kind : "view";
  return (
    <a href={hrefOf(["definitions", kind, node.name])}>
      Open {node.kind} {node.name}
    </a>
  );
}

function Placed({
  graph,
  focus,
  depth,
  badge,
}: {
  readonly graph: Graph;
  readonly focus: string | null;
  readonly depth: number;
  readonly badge: (node: GraphNode) => string;
}): preact.JSX.Element {
  const [shown, setShown] = useState<PlacedGraph | null>(null);
  const key = graph.nodes.map(({ id }) => id).join("\0");
  useEffect(() => {
    let isCurrent = true;
    const place = async (): Promise<void> => {
      const result = await placed(graph);
      if (isCurrent) setShown(result);
    };
    void place();
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return shown === null ? (
    <p class="hint" role="status">
      Drawing …
    </p>
  ) : (
    <GraphDrawing graph={shown} focus={focus} depth={depth} badge={badge} />
  );
}
