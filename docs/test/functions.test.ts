/**
 * docs/functions.md lists every function of the registry. After a change of one, `npm test --
 * docs/test/functions -u` writes the tables again.
 */
import { join } from "node:path";
import { scalarFunctions } from "../../packages/core/src/expr/scalar-functions.ts";
import { expect, test } from "vitest";
import { pageOf, root } from "./support/page.ts";

const page = pageOf("docs/functions.md");
const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The table of some functions: what each takes, its rule, and an example. */
function tableOf(names: readonly string[]): string {
  const rows = names.map((name) => {
    const found = scalarFunctions.find((one) => one.name === name);
    if (found === undefined) throw new Error(`docs/functions.md names ${name}, and there is none`);
    const [call, answer] = found.example;
    const row = [`\`${name}\``, found.signature, found.rule, `\`${call}\` = \`${answer}\``];
    return `| ${row.map(cell).join(" | ")} |`;
  });
  return ["| function | takes → answers | rule | example |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}

test("every function has its row", async () => {
  const named: string[] = [];
  const shown = page.text.replace(
    /^<!-- functions: ([\w, ]+) -->\n\n(?:\|.*\n)*/gm,
    (_, list: string) => {
      const names = list.split(", ");
      named.push(...names);
      return `<!-- functions: ${list} -->\n\n${tableOf(names)}\n`;
    },
  );
  expect(named.toSorted()).toEqual(scalarFunctions.map(({ name }) => name).toSorted());
  await expect(shown).toMatchFileSnapshot(join(root, "docs/functions.md"));
});
