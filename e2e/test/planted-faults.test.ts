import { seedsFromEnvironment } from "@tidemark/testkit";
import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { sourceFaults } from "../src/planted-faults.ts";
import { inFolder } from "../src/real-stores.ts";

const root = join(import.meta.dirname, "../..");
const findDifference = join(import.meta.dirname, "../src/find-difference.ts");
const { first: seed, runs } = seedsFromEnvironment({ runs: 200 });
/** The number of seeds in CI. A fault that needs more seeds would slip through. */
const MOST_SEEDS = 200;

/** Returns how many seeds it takes until the paths differ from the oracle; 0 if they never do. */
async function seedsUntilFound(folder: string, most = MOST_SEEDS): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@tidemark/source",
    findDifference,
    folder,
    String(seed),
    String(most),
  ]);
  return Number(stdout);
}

/** Makes a pattern for code that ignores the formatter's spaces and line breaks. */
function anySpaces(code: string): string {
  return code
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
}

test.concurrent.for(sourceFaults)(
  "found: $name",
  { timeout: 300_000 },
  async ({ name, file, find, replace }) => {
    await inFolder(async (folder) => {
      for (const sources of ["packages/core/src", "testkit/src"])
        cpSync(join(root, sources), join(folder, sources), { recursive: true });
      const path = join(folder, "packages/core/src", file);
      const source = readFileSync(path, "utf8");
      const found = source.match(new RegExp(anySpaces(find), "g")) ?? [];
      expect(found.length, `"${find}" stands once in ${file}`).toBe(1);
      writeFileSync(
        path,
        source.replace(found[0]!, () => replace),
      );
      const seeds = await seedsUntilFound(folder);
      console.log(`planted fault "${name}": found by seed ${seeds}`);
      expect(seeds).toBeGreaterThan(0);
    });
  },
);

test("nothing is found where nothing is planted", { timeout: 300_000 }, async () => {
  expect(await seedsUntilFound(root, runs)).toBe(0);
});
