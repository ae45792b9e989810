/** What a browser loads with the client and the definitions: nothing that only Node has. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const CORE = "packages/core/src";
/** The one file that looks modules of Node up, when a function of the store needs them. */
const NODE_MODULES = `${CORE}/node-modules.ts`;
/** The one file that uses Node's Buffer, and does without it where there is none. */
const BYTES_TEXT = `${CORE}/bytes/bytes-text.ts`;

interface Loaded {
  /** The files of the repository. */
  readonly files: readonly string[];
  /** The specifiers of everything else. */
  readonly others: readonly string[];
}

const parsed = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);

/**
 * What a file imports when it runs: a statement that imports or exports types only loads nothing.
 */
function imports(file: string): readonly string[] {
  return parsed(file).statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const typesOnly = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : statement.isTypeOnly;
    const from = statement.moduleSpecifier;
    return typesOnly || from === undefined || !ts.isStringLiteral(from) ? [] : [from.text];
  });
}

/** The file that a specifier names, if it is one of this repository. */
function fileOf(from: string, specifier: string): string | undefined {
  const core = /^@tidemark\/core(?:\/(.+))?$/.exec(specifier);
  const file = specifier.startsWith(".")
    ? relative(root, join(root, dirname(from), specifier)).replaceAll("\\", "/")
    : core === null
      ? undefined
      : `${CORE}/${core[1] ?? "index"}.ts`;
  return file !== undefined && existsSync(join(root, file)) ? file : undefined;
}

function load(...entries: readonly string[]): Loaded {
  const files = new Set(entries);
  const others = new Set<string>();
  for (const file of files)
    for (const specifier of imports(file)) {
      const to = fileOf(file, specifier);
      if (to === undefined) others.add(specifier);
      else files.add(to);
    }
  return { files: [...files], others: [...others] };
}

/** The files in which a name stands as code: neither a member's name nor a comment. */
function filesWith(names: readonly string[], files: readonly string[]): readonly string[] {
  return files.filter((file) => {
    const has = (node: ts.Node): boolean =>
      (ts.isIdentifier(node) &&
        names.includes(node.text) &&
        !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) &&
        !ts.isTypeReferenceNode(node.parent)) ||
      ts.forEachChild(node, (child) => has(child) || undefined) === true;
    return has(parsed(file));
  });
}

test("the client loads core, and no module of Node or of another package", () => {
  const { files, others } = load("packages/client/src/index.ts");
  expect(others).toEqual([]);
  expect(files).toContain(`${CORE}/store/store.ts`);
  expect(files.length).toBeGreaterThan(100);
});

test("core looks modules of Node up in one file only", () => {
  const { files, others } = load(`${CORE}/index.ts`, `${CORE}/internal.ts`, `${CORE}/spi.ts`);
  expect(others).toEqual([]);
  const withLookup = files.filter((file) =>
    readFileSync(join(root, file), "utf8").includes("getBuiltinModule"),
  );
  expect(withLookup).toEqual([NODE_MODULES]);
  expect(filesWith(["require", "createRequire"], files)).toEqual([]);
});

test("the definitions use no name that only Node has", () => {
  const definitions = [...load(`${CORE}/index.ts`).files].filter((file) =>
    file.startsWith(`${CORE}/define/`),
  );
  const { files } = load(...definitions);
  expect(files).toContain(`${CORE}/define/feature-view.ts`);
  expect(files).not.toContain(NODE_MODULES);
  expect(filesWith(["process", "setImmediate", "global"], files)).toEqual([]);
  expect(filesWith(["Buffer"], files)).toEqual([BYTES_TEXT]);
});

test("the client's own files use no name that only Node has", () => {
  const files = load("packages/client/src/index.ts").files.filter((file) =>
    file.startsWith("packages/client/"),
  );
  expect(filesWith(["process", "setImmediate", "global", "Buffer"], files)).toEqual([]);
});
