/** Checks that the links, paths and npm scripts on the pages exist. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { type Page, pages, root } from "./support/page.ts";

const all = pages();
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Returns the text without code blocks, which other tests check. */
const proseOf = ({ text }: Page): string => text.replace(/^```.*?^```/gms, "");

/** Returns the anchor that GitHub makes from a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

function anchorsOf(path: string): string[] {
  return [...readFileSync(join(root, path), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    anchorOf(heading!),
  );
}

test.each(all.map(({ name }, i) => ({ name, i })))(
  "$name: every link leads to an existing file or heading",
  ({ name, i }) => {
    const broken: string[] = [];
    for (const [, target] of proseOf(all[i]!).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target!.startsWith("https://")) continue;
      const [path = "", anchor] = target!.split("#");
      const file = path === "" ? name : relative(root, join(root, dirname(name), path));
      if (
        !existsSync(join(root, file)) ||
        (anchor !== undefined && !anchorsOf(file).includes(anchor))
      )
        broken.push(target!);
    }
    expect(broken).toEqual([]);
  },
);

test.each(all.map(({ name }, i) => ({ name, i })))(
  "$name: every path in the repository that it names exists",
  ({ i }) => {
    const named = [
      ...proseOf(all[i]!).matchAll(
        /`((?:packages|docs|scripts|tools|bench|\.ci|\.changeset)\/[A-Za-z0-9_./-]*)`/g,
      ),
    ].map(([, path]) => path!);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  },
);

test.each(all.map(({ name }, i) => ({ name, i })))(
  "$name: every npm script it names is in package.json",
  ({ i }) => {
    const named = [...all[i]!.text.matchAll(/npm run ([a-z:]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  },
);
