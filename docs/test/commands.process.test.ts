/**
 * docs/commands.md shows the help of every command. After a change of a command, `npm test --
 * docs/test/commands -u` writes the blocks again. A new command first needs a section with a block
 * `text help=COMMAND`.
 */
import { join } from "node:path";
import { startNode } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { pageOf, root } from "./support/page.ts";

async function help(...command: readonly string[]): Promise<string> {
  const bin = join(root, "packages/cli/src/bin.ts");
  const child = startNode(bin, [...command, "--help"], { env: { COLUMNS: "" } });
  return (await child.succeeded()).stdout;
}

const all = await help();
/** If a name is as wide as its column, its description is in the next line. */
const commands = [...all.matchAll(/^ {2}([a-z][a-z-]*)(?= |$)/gm)].map(([, command]) => command!);
const page = pageOf("docs/commands.md");

test("every command has its block, in the order of tidemark --help", () => {
  expect(commands.length).toBeGreaterThan(10);
  expect(
    page.blocks.flatMap(({ words }) =>
      words.filter((word) => word.startsWith("help=")).map((word) => word.slice("help=".length)),
    ),
  ).toEqual(["tidemark", ...commands]);
});

test("every block is the help of its command", async () => {
  const texts = new Map([["tidemark", all]]);
  for (const command of commands) texts.set(command, await help(command));
  const shown = page.text.replace(
    /^```text help=([a-z-]+)\n.*?^```$/gms,
    (_, command: string) => `\`\`\`text help=${command}\n${texts.get(command)!.trimEnd()}\n\`\`\``,
  );
  await expect(shown).toMatchFileSnapshot(join(root, "docs/commands.md"));
});
