/**
 * Every entry point lists its names: no file has `export *`. Pages and READMEs import nothing from
 * `@tidemark/core/internal`, which is for the packages of this repository.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { outcomeOf, repositoryFiles, root, type Step } from "./step.ts";

const INTERNAL = "@tidemark/core/internal";
const IMPORT = /(from|import\(?) ?"@tidemark\/core\/internal(?:\/\w+)?"/;

export const entries: Step = {
  name: "entries",
  async run() {
    const code = await repositoryFiles("*.ts", "*.mjs");
    const shown = (await repositoryFiles("*.md", "docs/*.ts")).filter(
      (file) => !file.startsWith(".changeset/"),
    );
    return outcomeOf([
      ...linesOf(code, /^\s*export\s*\*/).map((line) => `${line}: list the names instead of *`),
      ...linesOf(shown, IMPORT).map(
        (line) => `${line}: ${INTERNAL} is no public API; use another entry of @tidemark/core`,
      ),
    ]);
  },
};

/** The lines that match the pattern, each as `file:line`. */
function linesOf(files: readonly string[], wanted: RegExp): readonly string[] {
  return files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, i) => (line.search(wanted) < 0 ? [] : [`${file}:${i + 1}`])),
  );
}
