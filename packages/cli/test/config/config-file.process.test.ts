import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "@tidemark/testkit/child-process";
import { afterAll, expect, test } from "vitest";

const directories: string[] = [];
afterAll(() => {
  for (const one of directories) rmSync(one, { recursive: true, force: true });
});

const features = `
import { count, entity, featureView, int64, source, string, timestamp } from "@tidemark/core";
const user = entity("user", { keys: { user_id: string() } });
const time = timestamp("time", { zone: "UTC" });
const columns = { id: int64("id"), user_id: string("user"), time };
const table = "public.payments";
const payments = source("payments", { table, columns, primaryKey: ["id"], eventTime: "time" });
const features = { number: count().over("7d") };
export const weekly = featureView("weekly", { entity: user, source: payments, features });
`;
const good =
  'import { defineConfig } from "@tidemark/cli";\nimport * as definitions from ' +
  '"./features.ts";\nexport default defineConfig({ definitions, namespace: "bank" });\n';

function project(files: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(join(tmpdir(), "tidemark-config-"));
  directories.push(made);
  writeFileSync(join(made, "package.json"), JSON.stringify({ private: true, type: "module" }));
  for (const [name, text] of Object.entries({
    "features.ts": features,
    "tidemark.config.ts": good,
    ...files,
  }))
    writeFileSync(join(made, name), text);
  return join(made, "tidemark.config.ts");
}

const broken: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  [
    "is no TypeScript",
    { "tidemark.config.ts": "\nexport default = 1;" },
    /CONFIG_NOT_LOADED.*does not load: .*, in line 2$/s,
  ],
  [
    "throws",
    { "tidemark.config.ts": `${good}throw new Error("no network today");` },
    /CONFIG_NOT_LOADED.*no network today, in line 4$/,
  ],
  [
    "throws something else",
    { "tidemark.config.ts": "throw 42;" },
    /CONFIG_NOT_LOADED.*does not load: it threw 42$/,
  ],
  [
    "has definitions that are refused",
    { "features.ts": features.replace("7d", "7 days") },
    /CONFIG_NOT_LOADED.*"7 days" is not .*\(DURATION_INVALID\), in line 8 of .*features\.ts$/,
  ],
  [
    "has definitions that are no TypeScript",
    { "features.ts": "\n\nexport const = 1;" },
    /CONFIG_NOT_LOADED.*, in line 3 of .*features\.ts$/s,
  ],
  [
    "imports a file that is not there",
    { "tidemark.config.ts": good.replace("./features.ts", "./featurs.ts") },
    /CONFIG_NOT_LOADED.*Cannot find module.*featurs\.ts.*, in line 2$/,
  ],
  [
    "imports a package that is not installed",
    { "tidemark.config.ts": `${good}import "nothing-of-this-name";` },
    /CONFIG_NOT_LOADED.*Cannot find package 'nothing-of-this-name'.*, in line 4$/,
  ],
  [
    "imports a name that is not exported",
    { "tidemark.config.ts": good.replace("* as definitions", "{ definitions }") },
    /CONFIG_NOT_LOADED.*does not provide an export named 'definitions'.*, in line 2$/s,
  ],
  [
    "has a member that is none",
    { "tidemark.config.ts": good.replace("namespace", "namespce") },
    /CONFIG_NOT_LOADED.* "namespce"; did you mean "namespace"\? \(CONFIG_INVALID\), in line 3$/,
  ],
  [
    "has no default export",
    { "tidemark.config.ts": "export const config = 1;" },
    /CONFIG_INVALID.*is no configuration; write export default defineConfig\(\{ … \}\)$/,
  ],
  [
    "has no definitions in its module",
    { "features.ts": "export const weekly = 1;" },
    /CONFIG_INVALID.*definitions holds no definition/,
  ],
];
const missing = project({});
const paths = [
  project({}),
  ...broken.map(([, files]) => project(files)),
  `${missing}x`,
  join(missing, ".."),
];
const child = await startNode(join(import.meta.dirname, "load-child.ts"), paths).ended;
const outcomes = child.stdout
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as string);

test("a configuration loads, with its definitions, also where no Tidemark is installed", () => {
  expect(outcomes[0], child.stderr).toBe("bank: weekly");
});

for (const [i, [text, , message]] of broken.entries()) {
  test(`a configuration that ${text}`, () => {
    expect(outcomes[i + 1]).toMatch(message);
  });
}

test("a configuration that does not exist, or is no file", () => {
  expect(outcomes.slice(-2)).toEqual([
    `CONFIG_NOT_FOUND: ${missing}x: there is no such file; name the file that exports your ` +
      "defineConfig(…) with --config FILE",
    `CONFIG_NOT_FOUND: ${join(missing, "..")}: this is no file; name the file that exports ` +
      "your defineConfig(…) with --config FILE",
  ]);
});
