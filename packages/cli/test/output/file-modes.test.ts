/** Tests that files with customers' rows are their owner's alone. */
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { answersFile } from "../../src/output/answers-file.ts";
import { atomicFile } from "../../src/output/atomic-file.ts";
import { createWorkspace } from "../../src/replay/workspace.ts";

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "tidemark-modes-"));
  onTestFinished(() => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("a new file has the mode 0600, and a replaced file keeps its mode", async () => {
  const folder = directory();
  const answers = async (path: string): Promise<void> => {
    const file = await answersFile(path);
    await file.write("{}");
    await file.finish();
  };
  const training = async (path: string): Promise<void> => {
    const file = await atomicFile(path, { force: true, input: join(folder, "none") });
    expect(modeOf(file.temporary)).toMatch(/^6[04]0$|^644$/);
    writeFileSync(file.temporary, "{}");
    await file.commit();
  };
  for (const [name, write] of [
    ["answers", answers],
    ["training", training],
  ] as const) {
    const path = join(folder, name);
    await write(path);
    expect(modeOf(path)).toBe("600");
    chmodSync(path, 0o644);
    await write(path);
    expect(modeOf(path)).toBe("644");
  }
});

test("the stores of a replay are in a folder of the mode 0700", async () => {
  const keep = join(directory(), "kept");
  await createWorkspace(keep);
  expect(modeOf(keep)).toBe("700");
  const made = await createWorkspace(undefined);
  expect(modeOf(join(made.online, ".."))).toBe("700");
  rmSync(join(made.online, ".."), { recursive: true });
});
