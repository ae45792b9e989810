/** Runs `compute.ts` in a child process, over the packages as users install them. */
import { type Child, startProgram } from "@tidemark/testkit/child-process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** What a training set needed. */
export interface Measured {
  readonly seconds: number;
  readonly cpu: number;
  readonly peakMiB: number;
}

/** The training set that a child process computes. */
export interface Computation {
  /** The folder of the lake. */
  readonly lake: string;
  /** The file of labels. */
  readonly entities: string;
  readonly out: string;
  readonly view: string;
  readonly knowledge: "as-corrected" | "as-known";
}

/** The built packages. Threads that load TypeScript would take as long as small training sets. */
let built: Promise<void> | null = null;

async function build(): Promise<void> {
  const tsup = join(root, "node_modules/tsup/dist/cli-default.js");
  for (const name of ["core", "delta"])
    await startProgram(process.execPath, [tsup, "--no-dts"], {
      cwd: join(root, "packages", name),
    }).succeeded();
}

/** Computes a training set in a process of its own. */
export async function computed(computation: Computation): Promise<Measured> {
  const { lake, entities, out, view, knowledge } = computation;
  await (built ??= build());
  const program = join(import.meta.dirname, "compute.ts");
  const args = [program, lake, entities, out, view, knowledge];
  return await lastJson(startProgram(process.execPath, args));
}

/** Runs a child process to its end, and returns the last line of its output as JSON. */
export async function lastJson<T>(child: Child): Promise<T> {
  const { stdout } = await child.succeeded();
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
}
