/**
 * Every test file is in the vitest project that its name says (vitest.config.ts). A `unit` file
 * reaches no module that starts processes or workers; only a `services` file has needs. Modules of
 * a package's `src` are the tested code, and are not followed.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { outcomeOf, repositoryFiles, root, type Step } from "./step.ts";

const STARTERS: readonly string[] = ["node:child_process", "node:worker_threads"];
const NEEDS = "testkit/src/needs.ts";

export const projects: Step = {
  name: "projects",
  async run() {
    const files = await repositoryFiles("*.test.ts");
    const complaints = files.flatMap((file) => {
      const reached = reach(file);
      const starter = STARTERS.find((name) => reached.has(name));
      const right = reached.has(NEEDS)
        ? "services"
        : file.startsWith("e2e/")
          ? "laws"
          : starter === undefined
            ? "unit"
            : "process";
      const named = projectOf(file);
      return right === named
        ? []
        : [`${file}: its name says ${named}, its imports say ${right} (vitest.config.ts)`];
    });
    return outcomeOf(complaints);
  },
};

/** The vitest project that a test file belongs to by its name. */
export function projectOf(file: string): string {
  if (file.endsWith(".services.test.ts")) return "services";
  if (file.startsWith("e2e/")) return "laws";
  return file.endsWith(".process.test.ts") ? "process" : "unit";
}

/** The modules that a test file loads: files of the tests and the testkit, and modules of Node. */
function reach(file: string): ReadonlySet<string> {
  const reached = new Set([file]);
  for (const from of reached) {
    if (!from.endsWith(".ts") || /^packages\/[^/]+\/src\//.test(from)) continue;
    for (const specifier of imports(from)) {
      const to = specifier.startsWith(".")
        ? relative(root, join(root, dirname(from), specifier)).replaceAll("\\", "/")
        : testkitFile(specifier);
      if (to.startsWith("node:") || existsSync(join(root, to))) reached.add(to);
    }
  }
  return reached;
}

/** What a module imports when it runs: an import of types alone is none. */
const imports = (file: string): string[] =>
  ts
    .createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest)
    .statements.flatMap((statement) => {
      if (ts.isImportDeclaration(statement)) {
        const typesOnly = statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
        return typesOnly || !ts.isStringLiteral(statement.moduleSpecifier)
          ? []
          : [statement.moduleSpecifier.text];
      }
      if (ts.isExportDeclaration(statement) && !statement.isTypeOnly) {
        const from = statement.moduleSpecifier;
        return from !== undefined && ts.isStringLiteral(from) ? [from.text] : [];
      }
      return [];
    });

function testkitFile(specifier: string): string {
  if (specifier === "@tidemark/testkit") return "testkit/src/index.ts";
  if (specifier === "@tidemark/testkit/services") return "testkit/src/services/index.ts";
  if (specifier.startsWith("@tidemark/testkit/"))
    return `testkit/src/${specifier.slice("@tidemark/testkit/".length)}.ts`;
  return specifier;
}
