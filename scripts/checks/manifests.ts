/** Checks the manifest of every published package: what npm shows, and what a release needs. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { publishedPackages, type Manifest, type Package } from "./packages.ts";
import { root, type Step } from "./step.ts";

const REPOSITORY = "https://github.com/tidemark-features/tidemark";
const NODE = ">=22.18";
const licenseText = readFileSync(join(root, "LICENSE"), "utf8");

export const manifests: Step = {
  name: "manifests",
  async run() {
    const config = readFileSync(join(root, ".changeset", "config.json"), "utf8");
    const { fixed } = JSON.parse(config) as { readonly fixed: readonly (readonly string[])[] };
    const faults = publishedPackages().flatMap((one) => faultsOf(one, fixed));
    return {
      passed: faults.length === 0 ? 1 : 0,
      failed: faults.length === 0 ? 0 : 1,
      skipped: 0,
      output: faults.join("\n"),
    };
  },
};

/** Returns the faults, each as `packages/core/package.json: what is wrong`. */
function faultsOf(
  { directory, manifest }: Package,
  fixed: readonly (readonly string[])[],
): readonly string[] {
  const home = relative(root, directory);
  const expected: Partial<Manifest> = {
    license: "Apache-2.0",
    homepage: `${REPOSITORY}/tree/main/${home}#readme`,
    bugs: { url: `${REPOSITORY}/issues` },
    repository: { type: "git", url: `git+${REPOSITORY}.git`, directory: home },
    engines: { node: NODE },
    publishConfig: { access: "public", provenance: true },
  };
  const faults = Object.entries(expected)
    .filter(([name, value]) => !same(manifest[name as keyof Manifest], value))
    .map(([name, value]) => `${name} must be ${JSON.stringify(value)}`);
  if ((manifest.description ?? "") === "") faults.push("description is missing");
  if ((manifest.keywords ?? []).length < 3) faults.push("keywords needs at least three words");
  if (!fixed.some((group) => group.includes(manifest.name)))
    faults.push(`.changeset/config.json: add ${manifest.name} to the group in "fixed"`);
  const license = join(directory, "LICENSE");
  if (!existsSync(license) || readFileSync(license, "utf8") !== licenseText)
    faults.push("the package has no LICENSE, or another one; copy LICENSE of the repository");
  return [
    ...faults.map((fault) => `${home}/package.json: ${fault}`),
    ...readmeFaults(readFileSync(join(directory, "README.md"), "utf8")).map(
      (fault) => `${home}/README.md: ${fault}`,
    ),
  ];
}

/**
 * Finds links in a README that do not work on npm, where no link to a file of the repository leads
 * anywhere.
 */
function readmeFaults(text: string): readonly string[] {
  const relativeLinks = [...text.matchAll(/\]\((?!https:|#)([^)]*)\)/g)].map(([, link]) => link);
  const faults = relativeLinks.map((link) => `${link} is a relative link; write https://…`);
  if (!/needs Node 22\.18 or newer/.test(text)) faults.push("say the least Node");
  if (!/need\s+TypeScript\s+5\.\d\s+or\s+newer/.test(text)) faults.push("say the least TypeScript");
  return faults;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
