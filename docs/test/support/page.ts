/**
 * Reads a Markdown page for its tests: its text, and its code blocks with the words of their first
 * line.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../../..");

export interface Block {
  readonly language: string;
  /** The words after the language: `run`, `refused`, `file=features.ts`, `result=answers.jsonl`. */
  readonly words: readonly string[];
  readonly code: string;
  /** The line of the page where the code begins, counted from 1. */
  readonly line: number;
}

export interface Page {
  /** The path from the root of the repository. */
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /**
   * The code before each snippet that has no imports. It comes from the page's comment `snippets
   * begin with:`.
   */
  readonly prelude: string;
}

/** Returns every page that users read. */
export function pages(): Page[] {
  const documents = readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  const packages = readdirSync(join(root, "packages"))
    .map((name) => `packages/${name}/README.md`)
    .filter((name) => readable(name));
  return ["README.md", "CONTRIBUTING.md", ...documents.toSorted(), ...packages.toSorted()].map(
    pageOf,
  );
}

export function pageOf(name: string): Page {
  const text = readFileSync(join(root, name), "utf8");
  const prelude = /<!-- snippets begin with:\n(.*?)-->/s.exec(text)?.[1] ?? "";
  return { name, text, prelude, blocks: blocksOf(text) };
}

function readable(name: string): boolean {
  try {
    readFileSync(join(root, name));
    return true;
  } catch {
    return false;
  }
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { readonly info: string; readonly line: number; readonly code: string[] } | null = null;
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.startsWith("```")) open?.code.push(line);
    else if (open === null) open = { info: line.slice(3).trim(), line: i + 2, code: [] };
    else {
      const [language = "", ...words] = open.info.split(" ");
      blocks.push({ language, words, code: `${open.code.join("\n")}\n`, line: open.line });
      open = null;
    }
  }
  return blocks;
}

/** Returns the value of `name=value` among a block's words. */
export function valueOf(block: Block, name: string): string | undefined {
  return block.words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}
