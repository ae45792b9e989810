/**
 * `npm run setup:python`: the Python that reads our Delta tables in tests, a virtual environment in .tidemark/python with pinned readers.
 * About 1.1 GB on disk, so only CI makes it unasked; without it the tests that need it are skipped by name (tools/needs.ts).
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, root, run } from "./checks/step.ts";

const home = join(cache, "python");
const requirements = join(root, "scripts", "python-requirements.txt");
const stamp = join(home, ".installed");
const windows = process.platform === "win32";
const python = join(home, windows ? "Scripts/python.exe" : "bin/python");

async function works(command: string, args: readonly string[]): Promise<boolean> {
  const { code, output } = await run(command, args);
  if (code !== 0) console.error(output.trimEnd());
  return code === 0;
}

/** With the venv's own pip, or, where the system's Python came without ensurepip (Debian's does), with the pip of the system. */
async function make(system: string): Promise<boolean> {
  // there is no wheel of PySpark, which is nothing but files
  const install = ["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-binary", "pyspark", "-r", requirements];
  rmSync(home, { recursive: true, force: true });
  if ((await run(system, ["-m", "venv", home])).code === 0) return works(python, ["-m", "pip", ...install]);
  rmSync(home, { recursive: true, force: true });
  return await works(system, ["-m", "venv", "--without-pip", home]) && works(system, ["-m", "pip", "--python", python, ...install]);
}

async function systemPython(): Promise<string | undefined> {
  for (const name of [process.env["PYTHON"], "python3", "python"]) {
    if (name !== undefined && (await run(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])).code === 0) return name;
  }
  return undefined;
}

const wanted = readFileSync(requirements, "utf8");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  const system = await systemPython();
  const started = performance.now();
  mkdirSync(cache, { recursive: true });
  if (system === undefined) {
    console.error("tidemark: no python3 of 3.10 or newer on the PATH; install one, or name it in PYTHON");
    process.exitCode = 1;
  } else if (await make(system)) {
    writeFileSync(stamp, wanted);
    console.log(`tidemark: python readers in .tidemark/python (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  } else {
    console.error("tidemark: the python readers could not be installed; the output above says why");
    process.exitCode = 1;
  }
}
