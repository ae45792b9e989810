/**
 * The docs site. `npm run docs` builds it; a page that is missing here, and a link that leads
 * nowhere, fail the build.
 */
import { cpSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { defineConfig, type MarkdownOptions } from "vitepress";

interface Section {
  readonly text: string;
  readonly pages: readonly (readonly [page: string, text: string])[];
}

const sections: readonly Section[] = [
  {
    text: "Begin",
    pages: [
      ["getting-started", "Getting started"],
      ["recipes", "Recipes"],
      ["testing", "Test your definitions"],
      ["laws", "The laws"],
      ["definitions", "Definitions"],
      ["aggregations", "Aggregations"],
      ["windows", "Windows"],
      ["functions", "Functions"],
      ["coming-from-feast", "Coming from Feast"],
      ["typescript", "TypeScript and runtimes"],
    ],
  },
  {
    text: "Feed",
    pages: [
      ["kafka", "Kafka"],
      ["push", "Pushing rows"],
      ["history", "History"],
      ["minio", "MinIO and S3"],
      ["reading", "Trino, Spark, DuckDB"],
      ["spark", "Training sets on Spark"],
      ["shards", "Training sets in shards"],
    ],
  },
  {
    text: "Serve",
    pages: [
      ["serving", "Server"],
      ["client", "Client, browser, JSON API"],
      ["mcp", "Programs and agents: MCP"],
    ],
  },
  {
    text: "Operate",
    pages: [
      ["commands", "Commands"],
      ["config", "Configuration"],
      ["changing-definitions", "Changing definitions"],
      ["registry", "Registry: plan, apply"],
      ["materialize", "Materialization"],
      ["batch", "Batch: load, training sets"],
      ["training-sets", "Training sets over HTTP"],
      ["airflow", "Airflow"],
      ["replay", "Replay"],
      ["docker", "Docker"],
      ["deployment", "Deployment"],
      ["postgres", "PostgreSQL"],
      ["operating", "Operating"],
      ["console", "The console"],
      ["monitoring", "Monitoring"],
      ["skew", "Serving log and skew"],
      ["profiles", "Profiles and drift"],
      ["explain", "Why is this number so?"],
      ["recovery", "Recovery"],
      ["erasure", "Erasing a person"],
      ["audit", "Audit table"],
    ],
  },
  {
    text: "Reference",
    pages: [
      ["adapters", "Writing an adapter"],
      ["limits", "Limits in numbers"],
      ["errors", "Errors"],
    ],
  },
];

const docs = join(import.meta.dirname, "..");
const there = readdirSync(docs)
  .filter((name) => name.endsWith(".md") && name !== "index.md")
  .map((name) => name.slice(0, -3));
const listed = new Set(sections.flatMap(({ pages }) => pages.map(([page]) => page)));
const unlisted = there.filter((page) => !listed.has(page));
if (unlisted.length > 0)
  throw new Error(
    `docs/.vitepress/config.ts: ${unlisted.join(", ")} stand in no section: list them`,
  );

// VitePress looks at the links of texts, not at those of the home page's buttons
for (const [, page] of readFileSync(join(docs, "index.md"), "utf8").matchAll(
  /link: \/([a-z-]+)/g,
)) {
  if (!there.includes(page!)) throw new Error(`docs/index.md: there is no page /${page}`);
}

const sidebar = sections.map(({ text, pages }) => ({
  text,
  items: pages
    .filter(([page]) => existsSync(join(docs, `${page}.md`)))
    .map(([page, title]) => ({ text: title, link: `/${page}` })),
}));

/** Files of the repository that pages link to; the site has copies of them under `files/`. */
const linkedFiles = new Set<string>();

/** Under which the site stands: `TidemarkError.docs` names it. */
const base = "/tidemark/";

/** On the page of errors, each code of a table is an anchor: `errors#topic_not_found`. */
const anchorsOfCodes: NonNullable<MarkdownOptions["config"]> = (md) => {
  md.core.ruler.push("anchors-of-codes", ({ tokens, env }) => {
    if ((env as { readonly relativePath?: string }).relativePath !== "errors.md") return;
    const seen = new Set<string>();
    tokens.forEach((cell, i) => {
      if (cell.type !== "td_open" || tokens[i - 1]?.type !== "tr_open") return;
      for (const code of tokens[i + 1]?.children ?? []) {
        const anchor = code.content.toLowerCase();
        if (code.type !== "code_inline" || seen.has(anchor)) continue;
        seen.add(anchor);
        code.attrSet("id", anchor);
      }
    });
  });
};

const linksToFiles: NonNullable<MarkdownOptions["config"]> = (md) => {
  const ofPages = md.renderer.rules.link_open!;
  md.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const token = tokens[i]!;
    const target = token.attrGet("href") ?? "";
    if (
      /^(?:[a-z]+:|#|\/)/i.test(target) ||
      /\.md(?:#|$)/.test(target) ||
      !existsSync(join(docs, target))
    )
      return ofPages(tokens, i, options, env, self);
    const file = relative(join(docs, ".."), join(docs, target));
    linkedFiles.add(file);
    token.attrSet("href", `${base}files/${file}`);
    token.attrSet("target", "_blank");
    return self.renderToken(tokens, i, options);
  };
};

export default defineConfig({
  title: "Tidemark",
  description:
    "A feature store you npm install: one window law, the same number from the stream, the " +
    "training set and at request time",
  lang: "en",
  srcExclude: ["test/**", "node_modules/**"],
  cleanUrls: true,
  lastUpdated: false,
  base,
  markdown: {
    config: (md) => {
      linksToFiles(md);
      anchorsOfCodes(md);
    },
  },
  buildEnd({ outDir }) {
    for (const file of linkedFiles) cpSync(join(docs, "..", file), join(outDir, "files", file));
  },
  themeConfig: {
    outline: [2, 3],
    sidebar,
    nav: [
      { text: "Getting started", link: "/getting-started" },
      { text: "The laws", link: "/laws" },
      { text: "Commands", link: "/commands" },
      { text: "Errors", link: "/errors" },
    ],
    search: { provider: "local" },
  },
});
