/** Compares tables on the pages with the code that they describe. */
import { join } from "node:path";
import { startNode } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { LOG_COLUMNS, VERSION_COLUMNS } from "../../packages/core/src/offline/history-tables.ts";
import { pageOf, root } from "./support/page.ts";

/** Returns the names in the first cells of the table rows after a text. */
function firstCells(page: string, after: string, name: RegExp): string[] {
  const table = pageOf(page).text.split(after)[1]!.split("\n").slice(1);
  const rows = table.slice(table.findIndex((line) => line.startsWith("|")));
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith("|")),
    )
    .flatMap((line) => [...line.split("|")[1]!.matchAll(name)].map(([found]) => found));
}

test("docs/replay.md has the options of tidemark replay --help", async () => {
  const child = startNode(join(root, "packages/cli/src/bin.ts"), ["replay", "--help"]);
  const { stdout } = await child.succeeded();
  const options = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option!);
  expect(firstCells("docs/replay.md", "in place of `npx tidemark`", /--[a-z][a-z-]*/g)).toEqual(
    options,
  );
});

test.each([
  ["`versions` adds:", VERSION_COLUMNS],
  ["`changes` has:", LOG_COLUMNS],
])("docs/history.md, %s exactly the columns of the table", (after, columns) => {
  expect(firstCells("docs/history.md", after, /(?<=`)\w+(?=`)/g).toSorted()).toEqual(
    columns.map(({ name }) => name).toSorted(),
  );
});
