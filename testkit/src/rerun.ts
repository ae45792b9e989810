/** Vitest loads this file before each test file: a failure prints the command that repeats it. */
import { join, relative } from "node:path";
import { afterEach } from "vitest";
import { rerunCommand } from "./generate/seeds.ts";

const root = join(import.meta.dirname, "../..");

afterEach(({ task }) => {
  if (task.result?.state !== "fail") return;
  const command = rerunCommand(relative(root, task.file.filepath));
  for (const error of task.result.errors ?? [])
    if (command !== null) error.message += `\nto repeat it: ${command}`;
});
