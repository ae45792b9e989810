import { expect, test } from "vitest";
import { around, type Graph } from "../../app/pages/graph/graph-of.ts";

const node = (id: string) => ({ id, kind: id.split(" ")[0]!, name: id.split(" ")[1]! });
/** Two tables, two views, and a service of both; a third view stands alone. */
const graph: Graph = {
  nodes: ["table a", "table b", "view x", "view y", "view z", "service s"].map(node),
  edges: [
    { from: "table a", to: "view x" },
    { from: "table b", to: "view y" },
    { from: "view x", to: "service s" },
    { from: "view y", to: "service s" },
  ],
};
const ids = ({ nodes }: Graph): readonly string[] => nodes.map(({ id }) => id);

test("without a focus everything is shown", () => {
  expect(around(graph, null, 1)).toBe(graph);
  expect(around(graph, "view unknown", 1)).toBe(graph);
});

test("one step shows what the focus is made of, and what is made of it", () => {
  const shown = around(graph, "view x", 1);
  expect(ids(shown)).toEqual(["table a", "view x", "service s"]);
  expect(shown.edges).toEqual([graph.edges[0], graph.edges[2]]);
});

test("all steps follow each direction to its end, and do not turn around", () => {
  expect(ids(around(graph, "table a", 9))).toEqual(["table a", "view x", "service s"]);
  expect(ids(around(graph, "service s", 9))).toEqual([
    "table a",
    "table b",
    "view x",
    "view y",
    "service s",
  ]);
});
