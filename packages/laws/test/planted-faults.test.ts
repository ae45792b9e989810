import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { plantedFaults } from "../src/planted-faults.ts";
import { inFolder } from "../src/real-stores.ts";
import { runSettings } from "../src/settings.ts";

const core = join(import.meta.dirname, "../../core/src");
const hunt = join(import.meta.dirname, "../src/hunt.ts");
const { seed } = runSettings("planted faults", 0);
/** A fault that needs more seeds than this would slip through the suite, which takes as many. */
const SEEDS = 200;

/** How many seeds it takes until the paths differ from the oracle; 0: they never do. */
async function seedsUntilFound(folder: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@tidemark/source", hunt, folder, String(seed), String(SEEDS)]);
  return Number(stdout);
}

test.concurrent.for(plantedFaults)("found: $name", { timeout: 300_000 }, async ({ name, file, find, replace }) => {
  await inFolder(async (folder) => {
    cpSync(core, folder, { recursive: true });
    const path = join(folder, file);
    const source = readFileSync(path, "utf8");
    expect(source.split(find).length - 1, `"${find}" stands once in ${file}`).toBe(1);
    writeFileSync(path, source.replace(find, () => replace));
    const seeds = await seedsUntilFound(folder);
    console.log(`planted fault "${name}": found by seed ${seeds}`);
    expect(seeds).toBeGreaterThan(0);
  });
});

test("nothing is found where nothing is planted", { timeout: 300_000 }, async () => {
  expect(await seedsUntilFound(core)).toBe(0);
});
