import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { browserBundle } from "@tidemark/testkit/browser-bundle";
import { unsupportedNode } from "../../packages/cli/src/node-version.ts";
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

/** Builds and packs the packages that users install. */
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

/** Lists the files of a tarball. */
function filesOf(tarball: string): string[] {
  const bytes = gunzipSync(readFileSync(tarball));
  const names: string[] = [];
  const text = (from: number, to: number): string =>
    bytes.toString("latin1", from, to).replace(/\0.*$/s, "");
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    names.push(text(at, at + 100));
    at += 512 + Math.ceil(parseInt(text(at + 124, at + 136), 8) / 512) * 512;
  }
  return names;
}

export const packed: readonly Step[] = [
  commands("licenses", async () => {
    const all = tarballs();
    const without = all.filter((file) => !filesOf(file).includes("package/LICENSE"));
    const holds = without.length === 0 && all.length === publishedPackages().length;
    return [expected(holds, `${all.length} tarballs, without LICENSE`, without.join("\n"))];
  }),
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
 * Installs the tarballs outside the workspace as a user would. npm installs them, plain Node
 * imports them, and TypeScript reads their declarations.
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
      ...(await compileProgram(project)),
      await bundleForBrowser(project),
      ...(await withOldNode(project)),
      ...(await withoutAdapters(project)),
    ];
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** Bundles the client and definitions for browsers: neither the store nor a module of Node. */
async function bundleForBrowser(project: string): Promise<Finished> {
  const home = join(root, "packages", "client", "test", "browser");
  const folder = join(project, "browser");
  mkdirSync(folder);
  for (const name of readdirSync(home)) copyFileSync(join(home, name), join(folder, name));
  const { code, kilobytes, warnings } = await browserBundle(join(folder, "page.ts"));
  return expected(
    warnings.length === 0 && !/getBuiltinModule|node:/.test(code) && kilobytes < 49.5,
    `a bundle for browsers of ${kilobytes.toFixed(1)} kB`,
    warnings.join("\n"),
  );
}

/** Compiles a user's program with the least TypeScript and with `strict: false`. */
async function compileProgram(project: string): Promise<Finished[]> {
  const home = join(root, "docs", "test", "consumer");
  for (const name of readdirSync(home)) copyFileSync(join(home, name), join(project, name));
  const least = join(root, "testkit", "node_modules", "typescript-least");
  const current = join(root, "node_modules", "typescript");
  const compile = (typescript: string, strict: boolean, modules: object): Promise<Finished> => {
    const name = `tsconfig.${basename(typescript)}.${strict}.json`;
    const compilerOptions = {
      ...modules,
      target: "es2022",
      strict,
      noEmit: true,
      allowImportingTsExtensions: true,
      // the declarations of third parties are not checked
      skipLibCheck: true,
      typeRoots: [join(root, "node_modules", "@types")],
      types: ["node"],
    };
    const config = JSON.stringify({ compilerOptions, files: ["program.ts"] });
    writeFileSync(join(project, name), config);
    const tsc = join(typescript, "bin", "tsc");
    return run(process.execPath, [tsc, "-p", name, "--pretty", "false"], { cwd: project });
  };
  const bundler = { module: "esnext", moduleResolution: "bundler" };
  const nodenext = { module: "nodenext", moduleResolution: "nodenext" };
  return [
    ...(await Promise.all([compile(least, true, bundler), compile(least, false, nodenext)])),
    await compile(current, false, bundler),
  ];
}

const cli = join("node_modules", "@tidemark", "cli");
const bin = join(cli, "dist", "bin.js");

/**
 * Runs the command with the Node that started npm. If that Node is too old for Tidemark, the
 * command must say so.
 */
async function withOldNode(project: string): Promise<Finished[]> {
  const starter = process.env["npm_node_execpath"] ?? process.execPath;
  const { output: version } = await run(starter, ["-p", "process.versions.node"]);
  const refusal = unsupportedNode(version.trim());
  if (refusal === null) return [];
  const { code, output } = await run(starter, [bin, "--version"], { cwd: project });
  return [expected(code === 1 && output === `${refusal}\n`, `${bin} on Node ${version}`, output)];
}

/**
 * Runs without the optional peers: the rest must work, and an import that needs a peer must name
 * the package.
 */
async function withoutAdapters(project: string): Promise<Finished[]> {
  const { peerDependenciesMeta } = JSON.parse(
    readFileSync(join(project, cli, "package.json"), "utf8"),
  ) as { readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>> };
  for (const name of Object.keys(peerDependenciesMeta))
    rmSync(join(project, "node_modules", name), { recursive: true, force: true });
  writeFileSync(
    join(project, "imports.ts"),
    'import * as cli from "@tidemark/cli";\nexport const all = cli;\n',
  );
  const tidemark = (...args: string[]): Promise<Finished> =>
    run(process.execPath, [bin, ...args], { cwd: project });
  const missing = await tidemark("connector", "status", "--url", "http://x", "--name", "y");
  return [
    await tidemark("--version"),
    expected(
      missing.code === 1 &&
        missing.output.includes("PACKAGE_MISSING") &&
        missing.output.includes("npm install @tidemark/source-debezium"),
      "tidemark connector without its adapter",
      missing.output,
    ),
    await runTool("typescript", ["-p", project, "--pretty", "false"], { command: "tsc" }),
  ];
}

function expected(holds: boolean, what: string, output: string): Finished {
  return { code: holds ? 0 : 1, output: holds ? "" : `${what}: unexpected output:\n${output}` };
}
