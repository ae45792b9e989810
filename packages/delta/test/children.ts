/** Runs the test programs in child processes, to kill them or to race them. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output. */
  readonly output: string;
}

export async function run(
  program: string,
  args: readonly string[],
  limits: { readonly fileBlocks?: number } = {},
): Promise<Ended> {
  const node = [
    process.execPath,
    "--conditions=@tidemark/source",
    fileURLToPath(new URL(`programs/${program}`, import.meta.url)),
    ...args,
  ];
  // Beyond the limit a write fails as on a full disk, if the process ignores the signal that would
  // end it.
  const command =
    limits.fileBlocks === undefined
      ? node
      : [
          "bash",
          "-c",
          `trap '' XFSZ; ulimit -f ${limits.fileBlocks}; exec "$@"`,
          "limited",
          ...node,
        ];
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, output });
    });
  });
}
