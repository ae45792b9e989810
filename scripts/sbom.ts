/**
 * `npm run sbom`: writes a software bill of materials of each published package, as CycloneDX JSON,
 * into .tidemark/sbom/. It lists what an installation of the package brings at its locked versions.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { publishedPackages } from "./checks/packages.ts";
import { cache, runPnpm } from "./checks/step.ts";

const home = join(cache, "sbom");
rmSync(home, { recursive: true, force: true });
mkdirSync(home, { recursive: true });

for (const { manifest } of publishedPackages()) {
  const file = join(home, `${manifest.name.replace("@", "").replace("/", "-")}.cdx.json`);
  const { code, output } = await runPnpm([
    "--filter",
    manifest.name,
    "sbom",
    "--sbom-format",
    "cyclonedx",
    "--prod",
    "--lockfile-only",
    "--out",
    file,
  ]);
  if (code !== 0) throw new Error(`the SBOM of ${manifest.name} was not written:\n${output}`);
  const { bomFormat, components = [] } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly bomFormat?: string;
    readonly components?: readonly object[];
  };
  if (bomFormat !== "CycloneDX") throw new Error(`${file} is no CycloneDX document`);
  console.log(`${manifest.name}: ${components.length} components`);
}
console.log(`${readdirSync(home).length} files in ${home}`);
