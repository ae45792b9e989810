import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryPoints, publishedPackages } from "./packages.ts";
import {
  type Finished,
  type Step,
  cache,
  commands,
  root,
  run,
  runNpm,
  runPnpm,
  runTool,
} from "./step.ts";

const home = join(cache, "packed");
const tarballs = (): string[] => readdirSync(home).map((name) => join(home, name));

async function inPairs<T>(
  items: readonly T[],
  each: (item: T) => Promise<Finished>,
): Promise<Finished[]> {
  const done: Finished[] = [];
  for (let i = 0; i < items.length; i += 2)
    done.push(...(await Promise.all(items.slice(i, i + 2).map(each))));
  return done;
}

/** What a user will install, built and packed. */
export const build: Step = commands("build", async () => {
  const built = await inPairs(publishedPackages(), ({ directory }) =>
    runTool("tsup", [], { cwd: directory }),
  );
  if (built.some(({ code }) => code !== 0)) return built;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const names = publishedPackages().flatMap(({ manifest }) => ["--filter", manifest.name]);
  return [await runPnpm(["-r", ...names, "pack", "--pack-destination", home])];
});

export const packed: readonly Step[] = [
  commands("publint", () => inPairs(tarballs(), (file) => runTool("publint", [file, "--strict"]))),
  commands("exports", () =>
    inPairs(tarballs(), (file) =>
      runTool(
        "@arethetypeswrong/cli",
        [file, "--profile", "esm-only", "--no-emoji", "--no-color"],
        { command: "attw" },
      ),
    ),
  ),
  commands("install", installAndImport),
];

/**
 * In a directory outside the workspace, as a user would: npm installs the tarballs, plain Node
 * imports them, TypeScript reads their declarations.
 */
async function installAndImport(): Promise<Finished[]> {
  const project = mkdtempSync(join(tmpdir(), "tidemark-packed-"));
  try {
    const entries = publishedPackages().flatMap(({ manifest }) => entryPoints(manifest));
    const commandNames = publishedPackages().flatMap(({ manifest }) =>
      Object.keys(manifest.bin ?? {}),
    );
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const installed = await runNpm(
      [
        "install",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        ...tarballs(),
      ],
      { cwd: project },
    );
    if (installed.code !== 0) return [installed];

    const imports = entries
      .map((entry, i) => `import * as e${i} from ${JSON.stringify(entry)};\n`)
      .join("");
    writeFileSync(
      join(project, "imports.mjs"),
      `${imports}if ([${entries.map((_, i) => `e${i}`).join(", ")}].length !== ` +
        `${entries.length}) process.exit(1);\n`,
    );
    writeFileSync(
      join(project, "imports.ts"),
      `${imports}export const all = [${entries.map((_, i) => `e${i}`).join(", ")}];\n`,
    );
    const typeRoots = join(root, "node_modules", "@types");
    const compilerOptions = {
      module: "nodenext",
      target: "es2023",
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      typeRoots: [typeRoots],
      types: ["node"],
    };
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["imports.ts"] }),
    );
    const env = { ...process.env, NODE_OPTIONS: "" };
    return [
      await run(process.execPath, ["imports.mjs"], { cwd: project, env }),
      await runTool("typescript", ["-p", project, "--pretty", "false"], { command: "tsc" }),
      ...(await inPairs(commandNames, (name) =>
        runNpm(["exec", "--no", "--", name, "--help"], { cwd: project, env }),
      )),
    ];
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}
