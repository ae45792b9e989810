/** The tables of docs/errors.md hold exactly the codes of the sources. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TidemarkError } from "@tidemark/core";
import { startNode } from "@tidemark/testkit/child-process";
import ts from "typescript";
import { expect, onTestFinished, test } from "vitest";
import { vitepress } from "../../scripts/checks/vitepress.ts";
import { pageOf, root } from "./support/page.ts";

interface Source {
  readonly name: string;
  readonly file: ts.SourceFile;
}

const sources: readonly Source[] = readdirSync(join(root, "packages"))
  .flatMap((name) =>
    readdirSync(join(root, "packages", name, "src"), { recursive: true, encoding: "utf8" }).map(
      (path) => join("packages", name, "src", path),
    ),
  )
  // of core's testing/, users call the mock store alone
  .filter(
    (name) =>
      name.endsWith(".ts") &&
      !/[\\/](?:testing(?![\\/]mock[\\/])|demo-pipeline|laws)[\\/]/.test(name),
  )
  .map((name) => ({
    name,
    file: ts.createSourceFile(
      name,
      readFileSync(join(root, name), "utf8"),
      ts.ScriptTarget.Latest,
      true,
    ),
  }));

const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

function textsIn(node: ts.Node): string[] {
  return [...nodesOf(node)].flatMap((one) => (ts.isStringLiteral(one) ? [one.text] : []));
}

/** Returns the codes that a file throws. The text of a code in a variable is in the same file. */
function thrownIn({ file }: Source): string[] {
  return [...nodesOf(file)].flatMap((node) => {
    if (!ts.isNewExpression(node) || node.expression.getText() !== "TidemarkError") return [];
    const [code] = node.arguments!;
    if (ts.isStringLiteral(code!)) return [code.text];
    if (ts.isConditionalExpression(code!))
      return [...textsIn(code.whenTrue), ...textsIn(code.whenFalse)];
    return textsIn(file).filter((text) => CODE.test(text) && !/^(SQLITE|ERR)_/.test(text));
  });
}

/** Returns the codes among the nodes that `of` selects, in the sources of these folders. */
function given(
  names: readonly string[],
  of: (node: ts.Node) => readonly ts.Node[] | null,
): string[] {
  return sources
    .filter(({ name }) => names.some((one) => name.startsWith(join("packages", ...one.split("/")))))
    .flatMap(({ file }) => [...nodesOf(file)])
    .flatMap((node) => of(node) ?? [])
    .flatMap(textsIn)
    .filter((text) => CODE.test(text));
}

const sections = new Map(
  pageOf("docs/errors.md")
    .text.split(/^## /m)
    .slice(1)
    .map((section) => [section.split("\n")[0]!, section]),
);
const rowsOf = (section: string): string[] =>
  sections
    .get(section)!
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!));
const thrown = [...sections.keys()].filter(
  (name) => name !== "Reasons of quarantine" && name !== "Warnings" && rowsOf(name).length > 0,
);
const sorted = (codes: Iterable<string>): string[] => [...new Set(codes)].toSorted();

/** The codes of the type `ErrorCode`, group by group. */
const groups = [
  ...nodesOf(sources.find(({ name }) => name === "packages/core/src/error-codes.ts")!.file),
]
  .filter(ts.isTypeAliasDeclaration)
  .map(textsIn)
  .filter((codes) => codes.length > 0);

test("the type ErrorCode has the codes of the page, in its groups and order", () => {
  expect(groups).toEqual(thrown.map(rowsOf));
});

/** Returns the folder of the site. The check `docs` of the same run has built it already. */
async function builtSite(): Promise<string> {
  const built = process.env["TIDEMARK_SITE"];
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(tmpdir(), "tidemark-site-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  await startNode(vitepress, ["build", "docs", "--outDir", folder, "--emptyOutDir"], {
    cwd: root,
  }).succeeded();
  return folder;
}

test("the address of every error is an anchor of the page", async () => {
  const html = readFileSync(join(await builtSite(), "errors.html"), "utf8");
  const anchors = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!));
  const site = "https://tidemark-features.github.io/tidemark/errors#";
  const addresses = groups.flat().map((code) => new TidemarkError<string>(code, "").docs);
  expect(addresses.filter((one) => !one.startsWith(site))).toEqual([]);
  expect(addresses.filter((one) => !anchors.has(one.slice(site.length)))).toEqual([]);
});

test("every thrown code has its row, and every row's code is thrown", () => {
  const listed = thrown.flatMap(rowsOf);
  expect(
    listed.filter((code, i) => listed.indexOf(code) < i),
    "listed twice",
  ).toEqual([]);
  expect(sorted(listed)).toEqual(sorted(sources.flatMap(thrownIn)));
});

test("every reason of quarantine has its row, and every row has its reason", () => {
  const reasons = given(
    [
      "source-debezium/src",
      "core/src/ingest",
      "core/src/online",
      "core/src/resnapshot",
      "core/src/retry",
      "core/src/row-formats",
      "core/src/rows",
    ],
    (node) => {
      if (ts.isNewExpression(node) && /^(Failure|UnclearValue)$/.test(node.expression.getText()))
        return node.arguments!;
      if (ts.isPropertyAssignment(node) && ["reason", "skipped"].includes(node.name.getText()))
        return [node.initializer];
      return ts.isCallExpression(node) &&
        /^(undecodable|unitUnclear)$/.test(node.expression.getText())
        ? node.arguments
        : null;
    },
  );
  // DECIMAL_WITHOUT_SCALE stops the source.
  expect(sorted(rowsOf("Reasons of quarantine"))).toEqual(
    sorted(reasons.filter((one) => one !== "DECIMAL_WITHOUT_SCALE")),
  );
});

test("every warning has its row, and every row has its warning", () => {
  const warnings = given(["core/src/row-formats", "source-debezium/src"], (node) =>
    ts.isCallExpression(node) && node.expression.getText() === "warn"
      ? node.arguments.slice(0, 1)
      : null,
  );
  // Some warnings of the store are codes of errors, and have their row there.
  const ofStore = given(
    ["core/src/audit", "core/src/request", "core/src/serving-log", "core/src/store"],
    (node) =>
      ts.isCallExpression(node) && node.expression.getText() === "process.emitWarning"
        ? node.arguments.slice(1)
        : null,
  ).filter((code) => !thrown.flatMap(rowsOf).includes(code));
  expect(sorted(rowsOf("Warnings"))).toEqual(sorted([...warnings, ...ofStore]));
});
