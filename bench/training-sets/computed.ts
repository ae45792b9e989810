/** Runs `compute.ts` in a child process. */
import { type Child, startNode } from "@tidemark/testkit/child-process";
import { join } from "node:path";

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

/** Computes a training set in a process of its own. */
export function computed(computation: Computation): Promise<Measured> {
  const { lake, entities, out, view, knowledge } = computation;
  const program = join(import.meta.dirname, "compute.ts");
  return lastJson(startNode(program, [lake, entities, out, view, knowledge]));
}

/** Runs a child process to its end, and returns the last line of its output as JSON. */
export async function lastJson<T>(child: Child): Promise<T> {
  const { stdout } = await child.succeeded();
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
}
