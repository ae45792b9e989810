/**
 * docs/public/llms.txt lists every page for programs (https://llmstxt.org). After a change of a
 * page's first paragraph, `npm test -- docs/test/llms -u` writes it again.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import { pages, root } from "./support/page.ts";

const SITE = "https://tidemark-features.github.io/tidemark/";

/** The first paragraph of the page below its heading, on one line and without links. */
function firstParagraph(text: string): string {
  const [, paragraph = ""] = /^# .*\n+((?:(?!```|#|\|).+\n)+)/m.exec(text) ?? [];
  return paragraph
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(/:$/, ".");
}

test("llms.txt has every page with its first paragraph", async () => {
  const lines = pages()
    .filter(({ name }) => name.startsWith("docs/") && name !== "docs/index.md")
    .map(({ name, text }) => {
      const [, title = ""] = /^# (.*)$/m.exec(text) ?? [];
      const page = name.slice("docs/".length, -".md".length);
      expect(firstParagraph(text), `${name} begins with a paragraph`).toMatch(/\.$/);
      return `- [${title}](${SITE}${page}): ${firstParagraph(text)}`;
    });
  const text = [
    "# Tidemark",
    "",
    "> A feature store for TypeScript, installed with npm. A team writes entities, feature views",
    "> and window aggregations once. The change stream, the training set and the request give the",
    "> same number, bit for bit.",
    "",
    "`tidemark mcp` serves a feature store to programs: features, explanations and status.",
    "",
    "## Docs",
    "",
    ...lines,
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot(join(root, "docs/public/llms.txt"));
});
