/**
 * `npm run setup:python`: makes the virtual environments of Python programs that tests run. Each
 * has a folder in .tidemark, and is pinned in scripts/<name>-requirements.txt. Together they take
 * over 1 GB of disk, so only CI makes them unasked. Tests whose environment is missing are skipped
 * by name (testkit/src/needs.ts). `npm run setup:python -- airflow` makes that one alone.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, root, run } from "./checks/step.ts";

interface Environment {
  /** The name of its folder in .tidemark, and of its requirements. */
  readonly name: string;
  readonly what: string;
  /**
   * Packages that have no wheel and consist of files only. Everything else is installed from
   * wheels.
   */
  readonly sources?: readonly string[];
  /** The platform on which the environment is not available. */
  readonly notOn?: NodeJS.Platform;
}

// separate environments, because their pinned versions conflict
const environments: readonly Environment[] = [
  { name: "python", what: "the readers of our Delta tables", sources: ["pyspark"] },
  { name: "airflow", what: "Airflow", notOn: "win32" },
  { name: "feast", what: "Feast, whose clients our server answers" },
  { name: "fuzz", what: "schemathesis, which asks our server what nobody asks" },
];

const windows = process.platform === "win32";

async function works(command: string, args: readonly string[]): Promise<boolean> {
  const { code, output } = await run(command, args);
  if (code !== 0) console.error(output.trimEnd());
  return code === 0;
}

/**
 * Makes an environment with the venv's own pip. A system Python without ensurepip (Debian's) uses
 * the pip of the system.
 */
async function make(system: string, { name, sources = [] }: Environment): Promise<boolean> {
  const home = join(cache, name);
  const python = join(home, windows ? "Scripts/python.exe" : "bin/python");
  const install = [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--only-binary",
    ":all:",
    ...sources.flatMap((source) => ["--no-binary", source]),
    "-r",
    requirements(name),
  ];
  rmSync(home, { recursive: true, force: true });
  if ((await run(system, ["-m", "venv", home])).code === 0)
    return works(python, ["-m", "pip", ...install]);
  rmSync(home, { recursive: true, force: true });
  return (
    (await works(system, ["-m", "venv", "--without-pip", home])) &&
    works(system, ["-m", "pip", "--python", python, ...install])
  );
}

const requirements = (name: string): string => join(root, "scripts", `${name}-requirements.txt`);

async function systemPython(): Promise<string | undefined> {
  for (const name of [process.env["PYTHON"], "python3", "python"]) {
    if (
      name !== undefined &&
      (await run(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"])).code === 0
    )
      return name;
  }
  return undefined;
}

/**
 * Makes the environments one after the other: unpacking keeps one core busy, and CI builds the
 * services on the other.
 */
async function setUp(chosen: readonly Environment[]): Promise<boolean> {
  let system: string | undefined;
  let made = true;
  for (const environment of chosen) {
    const stamp = join(cache, environment.name, ".installed");
    const wanted = readFileSync(requirements(environment.name), "utf8");
    if (
      environment.notOn === process.platform ||
      (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)
    )
      continue;
    const started = performance.now();
    mkdirSync(cache, { recursive: true });
    system ??= await systemPython();
    if (system === undefined) {
      console.error(
        "tidemark: no python3 of 3.10 or newer on the PATH; install one, or name it in PYTHON",
      );
      return false;
    }
    if (await make(system, environment)) {
      writeFileSync(stamp, wanted);
      console.log(
        `tidemark: ${environment.what} in .tidemark/${environment.name} ` +
          `(${((performance.now() - started) / 1000).toFixed(0)} s)`,
      );
    } else {
      console.error(
        `tidemark: ${environment.what} could not be installed; the output above says why`,
      );
      made = false;
    }
  }
  return made;
}

const names = process.argv.slice(2);
const unknown = names.find(
  (name) => !environments.some((environment) => environment.name === name),
);
if (unknown !== undefined)
  console.error(
    `tidemark: no environment ${unknown}; ` +
      `there are ${environments.map(({ name }) => name).join(", ")}`,
  );
if (
  unknown !== undefined ||
  !(await setUp(environments.filter(({ name }) => names.length === 0 || names.includes(name))))
)
  process.exitCode = 1;
