/** On a Node that is too old the command says so, and loads nothing that this Node cannot parse. */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";
import { unsupportedNode } from "../src/node-version.ts";
import { Project } from "./support/project.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("the least version is that of package.json", () => {
  const { engines } = JSON.parse(read("../package.json")) as { engines: { node: string } };
  const [, least] = /^>=(\d+\.\d+)$/.exec(engines.node)!;
  expect(unsupportedNode(`${least}.0`)).toBeNull();
  expect(unsupportedNode("14.21.3")).toContain(`needs Node ${least} or newer`);
});

test.each(["22.18.0", "22.23.2", "24.0.0", "26.1.0", "100.0.0"])(
  "Node %s is accepted",
  (version) => {
    expect(unsupportedNode(version)).toBeNull();
  },
);

test.each(["14.0.0", "18.20.8", "20.20.2", "22.9.0", "22.17.1", "9.99.99"])(
  "Node %s is refused in one sentence: what is needed, what runs, the next step",
  (version) => {
    expect(unsupportedNode(version)).toMatch(
      new RegExp(
        `^tidemark: [^.]+ 22\\.18 .*this is Node ${version.replaceAll(".", "\\.")}; install ` +
          `[^\\n]*\\.$`,
      ),
    );
  },
);

test("on an old Node, tidemark prints one line, loads nothing and exits with 1", async () => {
  const project = new Project();
  const old = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } });';
  const { code, stdout, stderr } = await project.start(["--version"], {
    nodeOptions: [
      "--import",
      new URL("support/list-loaded.ts", import.meta.url).href,
      "--import",
      `data:text/javascript,${encodeURIComponent(old)}`,
    ],
    env: { TIDEMARK_LOADED: project.path("loaded.txt") },
  }).ended;
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: "",
    stderr: `${unsupportedNode("20.20.2")!}\n`,
  });
  const files = project
    .read("loaded.txt")
    .split("\n")
    .filter((url) => url.startsWith("file:"));
  expect(files.map((url) => url.replace(/.*\//, ""))).toEqual(["bin.ts", "node-version.ts"]);
});

test.each(["bin.ts", "node-version.ts"])("%s has no syntax that Node 14 lacks", (name) => {
  const text = read(`../src/${name}`);
  const as = (target: ts.ScriptTarget): string =>
    ts.transpileModule(text, { compilerOptions: { target, module: ts.ModuleKind.ES2020 } })
      .outputText;
  expect(as(ts.ScriptTarget.ES2020)).toBe(as(ts.ScriptTarget.ESNext));
  expect(text).not.toMatch(/\bawait\b|\bnode:/);
});
