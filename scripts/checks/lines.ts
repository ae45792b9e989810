/**
 * Checks the length of lines: code and comments have at most 100 columns, code blocks of Markdown
 * files at most 88. A node behind `prettier-ignore` is exempt, and so is a line whose only word is
 * an address.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { outcomeOf, repositoryFiles, root, type Step } from "./step.ts";

const CODE_COLUMNS = 100;
const DOCS_COLUMNS = 88;

export const lines: Step = {
  name: "lines",
  async run() {
    const files = await repositoryFiles("*.ts", "*.tsx", "*.mjs", "*.md");
    const long = files.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return (file.endsWith(".md") ? longInMarkdown(text) : longInCode(file, text)).map(
        ([line, columns]) => `${file}:${line}: ${columns} columns`,
      );
    });
    return outcomeOf(long);
  },
};

type LongLine = readonly [line: number, columns: number];

/** Returns the lines, counted from 1, that have more columns than allowed and are not exempt. */
function longInCode(file: string, text: string): readonly LongLine[] {
  const long = longLines(text.split("\n"), CODE_COLUMNS);
  if (long.length === 0) return long;
  const exempt = exemptLines(file, text);
  return long.filter(([line]) => !exempt.has(line));
}

function longInMarkdown(text: string): readonly LongLine[] {
  let inCode = false;
  const code = text.split("\n").map((line) => {
    const fence = /^\s*(```|~~~)/.test(line);
    if (fence) inCode = !inCode;
    return inCode && !fence ? line : "";
  });
  return longLines(code, DOCS_COLUMNS);
}

function longLines(all: readonly string[], most: number): readonly LongLine[] {
  return all.flatMap((line, i) => {
    const columns = [...line].length;
    const isAddress = /^\W*https?:\/\/\S+\W*$/.test(line);
    return columns > most && !isAddress ? [[i + 1, columns] as const] : [];
  });
}

/** Returns the lines of every node behind a `prettier-ignore` comment. */
function exemptLines(file: string, text: string): ReadonlySet<number> {
  const exempt = new Set<number>();
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const comments = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
    if (comments.some(({ pos, end }) => text.slice(pos, end).includes("prettier-ignore"))) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.end).line;
      for (let line = first; line <= last; line++) exempt.add(line + 1);
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(source);
  return exempt;
}
