/**
 * Compiles every example on the pages, and runs each one that is marked `run`. The commands of a
 * block marked `serve` run before all of them, and its server answers at a free port.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChildEnd } from "@tidemark/testkit/child-process";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { type Block, type Page, pages, root, valueOf } from "./support/page.ts";
import {
  type Complaint,
  complaints,
  makeHome,
  makeProject,
  type ServedPage,
  servePage,
  runNode,
  runPython,
} from "./support/project.ts";

const home = makeHome();
const projects = pages().map((page) => ({ page, project: makeProject(home, page) }));
const python = pythonReaders();
let found: ReadonlyMap<Block, readonly Complaint[]>;
beforeAll(() => {
  found = complaints(projects);
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** Returns the text block after a block, which is the output of its run. */
function outputOf(page: Page, block: Block): string | null {
  const next = page.blocks[page.blocks.indexOf(block) + 1];
  return next?.language === "text" ? next.code : null;
}

function expectPrinted(page: Page, block: Block, { code, stdout, stderr }: ChildEnd): void {
  expect(code, stderr).toBe(0);
  const shown = outputOf(page, block);
  if (shown !== null) expect(stdout).toBe(shown);
}

/** Returns whether a test compiles or runs the block, or compares it with a file. */
const isExample = (block: Block): boolean =>
  block.language === "ts" || block.words.includes("run") || valueOf(block, "result") !== undefined;

for (const { page, project } of projects.filter(({ page }) => page.blocks.some(isExample))) {
  describe(page.name, () => {
    const serve = page.blocks.find((block) => block.words.includes("serve"));
    let served: ServedPage | null = null;
    if (serve !== undefined) {
      beforeAll(async () => {
        served = await servePage(project, serve);
      }, 60_000);
      afterAll(() => served?.end());
    }
    for (const block of page.blocks) {
      const where = `line ${block.line}`;
      const runs = block.words.includes("run");
      if (block.language === "ts" && block.words.includes("refused")) {
        test(
          `${where}: the compiler refuses each line marked ✗ with its sentence, and no ` +
            "other line",
          () => {
            const marked = block.code
              .split("\n")
              .flatMap((text, i) =>
                text.includes("// ✗ ")
                  ? [{ line: block.line + i, says: text.split("// ✗ ")[1]! }]
                  : [],
              );
            const all = found.get(block)!;
            expect(
              [...new Set(all.map(({ line }) => line))].toSorted((a, b) => a - b),
              all.map(({ message }) => message).join("\n"),
            ).toEqual(marked.map(({ line }) => line));
            for (const { line, says } of marked)
              expect(all.find((one) => one.line === line)?.message).toContain(says);
          },
        );
      } else if (block.language === "ts") {
        test(`${where}: compiles`, () => {
          expect(found.get(block)).toEqual([]);
        });
        if (runs)
          test(`${where}: runs`, async () => {
            expectPrinted(page, block, await runNode(project, project.files.get(block)!));
          });
      } else if (block.language === "sh" && runs) {
        test(`${where}: the command does what the page says`, async () => {
          const [npx, command, ...args] = block.code.replaceAll("\\\n", " ").trim().split(/\s+/);
          expect([npx, command]).toEqual(["npx", "tidemark"]);
          expectPrinted(
            page,
            block,
            await runNode(project, join(root, "packages/cli/src/bin.ts"), args),
          );
        });
      } else if (block.language === "python" && runs) {
        suiteNeeding(python, `${where}, in Python`, () => {
          test("prints what the page shows", async () => {
            const code = served?.reached(block.code) ?? block.code;
            expectPrinted(page, block, await runPython(project, python.path, code));
          });
        });
      }
      const result = valueOf(block, "result");
      if (result !== undefined)
        test(`${where}: is what ${result} holds`, () => {
          expect(readFileSync(join(project.directory, result), "utf8")).toBe(block.code);
        });
    }
  });
}
