/** Runs the test programs in child processes, to kill them or to race them. */
import { join } from "node:path";
import { type ChildEnd, startNode } from "@tidemark/testkit/child-process";

export function run(
  program: string,
  args: readonly string[],
  { fileBlocks }: { readonly fileBlocks?: number } = {},
): Promise<ChildEnd> {
  // Beyond the limit a write fails as on a full disk, if the process ignores the signal that would
  // end it.
  const limited = `trap '' XFSZ; ulimit -f ${fileBlocks}; exec "$@"`;
  return startNode(join(import.meta.dirname, "programs", program), args, {
    through: fileBlocks === undefined ? [] : ["bash", "-c", limited, "limited"],
  }).ended;
}
