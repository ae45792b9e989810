import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The folder for the files that checks make, which git ignores. */
export const cache = join(root, ".tidemark");

export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
  /** The output, which is shown after a failure. */
  output: string;
}

/** One named check. It counts as one, unless it reports its own counts. */
export interface Step {
  readonly name: string;
  run(): Promise<Outcome>;
}

export interface Finished {
  code: number;
  output: string;
}

export interface Options {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Passes the output to the terminal instead of collecting it. Default: false. */
  readonly show?: boolean | undefined;
}

export function run(
  command: string,
  args: readonly string[],
  options: Options = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const output: string[] = [];
    const stdio = options.show === true ? ("inherit" as const) : ("pipe" as const);
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: options.env ?? process.env,
      stdio: ["ignore", stdio, stdio],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output.push(text);
      });
    child.on("error", (error) =>
      resolve({ code: 1, output: `${command} could not be started: ${error.message}` }),
    );
    child.on("close", (code, signal) =>
      resolve({
        code: code ?? 1,
        output: output.join("") + (signal === null ? "" : `\nended by ${signal}`),
      }),
    );
  });
}

/**
 * Runs the command of an installed package with this Node. The shell shims are skipped, so that it
 * works alike on every platform.
 */
export function runTool(
  name: string,
  args: readonly string[],
  options: Options & { readonly command?: string } = {},
): Promise<Finished> {
  const home = join(root, "node_modules", name);
  const { bin } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
    bin: string | Record<string, string>;
  };
  const file = typeof bin === "string" ? bin : bin[options.command ?? name.split("/").at(-1)!];
  if (file === undefined) throw new Error(`${name} has no command ${options.command ?? name}`);
  return run(process.execPath, [join(home, file), ...args], options);
}

/** Runs the npm of the user's Node, or the one that started this process. */
export function runNpm(args: readonly string[], options: Options = {}): Promise<Finished> {
  const npm = process.env["npm_execpath"];
  if (npm?.endsWith("npm-cli.js") === true && existsSync(npm))
    return run(process.execPath, [npm, ...args], options);
  return run(process.platform === "win32" ? "npm.cmd" : "npm", args, options);
}

export const runPnpm = (args: readonly string[]): Promise<Finished> =>
  run(process.execPath, [join(root, "scripts", "bootstrap.mjs"), "--pnpm", ...args]);

/** Makes a step that passes when every command does. */
export function commands(name: string, run: () => Promise<readonly Finished[]>): Step {
  return {
    name,
    run: async () => {
      const failed = (await run()).filter((finished) => finished.code !== 0);
      return {
        passed: failed.length === 0 ? 1 : 0,
        failed: failed.length === 0 ? 0 : 1,
        skipped: 0,
        output: failed.map(({ output }) => output).join("\n"),
      };
    },
  };
}

/** The repository's files of these patterns, committed or new, without the fixtures. */
export async function repositoryFiles(...patterns: readonly string[]): Promise<readonly string[]> {
  const listing = ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...patterns];
  const { output } = await run("git", listing);
  return output
    .split("\n")
    .filter((file) => file !== "" && !file.includes("/fixtures/") && existsSync(join(root, file)));
}

/** The outcome of a check that passes where it has nothing to complain of. */
export function outcomeOf(complaints: readonly string[]): Outcome {
  const failed = complaints.length === 0 ? 0 : 1;
  return { passed: 1 - failed, failed, skipped: 0, output: complaints.join("\n") };
}
