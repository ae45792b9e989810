import { join } from "node:path";
import { expect, test } from "vitest";
import { type Child, startNode, startProgram } from "../src/child-process.ts";

const echo = join(import.meta.dirname, "programs/echo.ts");

test("a child process reads its input, prints lines and ends with a code", async () => {
  const child = startNode(echo, ["a", 1], { stdin: "pipe", env: { GREETING: "hello" } });
  expect(await child.line()).toBe("a 1 hello");
  child.write("skipped\nfirst\n");
  expect(await child.line(/^f/)).toBe("first");
  child.endInput("last");
  expect(await child.succeeded()).toEqual({
    code: 0,
    signal: null,
    how: "0",
    stdout: "a 1 hello\nskipped\nfirst\nlast",
    stderr: "",
    output: "a 1 hello\nskipped\nfirst\nlast",
  });
  expect([child.lines, child.hasEnded]).toEqual([["a 1 hello", "skipped", "first"], true]);
});

test("a signal is how the child process ended", async () => {
  const child = startNode(echo, [], { stdin: "pipe" });
  await child.line();
  child.kill();
  expect(await child.ended).toMatchObject({ code: null, signal: "SIGKILL", how: "SIGKILL" });
  await expect(child.succeeded()).rejects.toThrow(/^echo\.ts ended with SIGKILL; its output:\n/);
});

test("an error shows what the child process printed", async () => {
  const failing = startNode(echo, ["--fail"], { input: "to be printed" });
  const message = /^echo\.ts ended with 3 before it printed the line ready; its output:\n/;
  await expect(failing.line("ready")).rejects.toThrow(message);
  await expect(failing.line("ready")).rejects.toThrow(/to be printed.*it failed/s);
  const silent = startNode(echo, [], { stdin: "pipe" });
  await silent.line();
  await expect(silent.line("ready", { seconds: 0.05 })).rejects.toThrow(
    /^echo\.ts did not print the line ready within 0\.05 s; its output:\n.*undefined/s,
  );
  await expect(startProgram("/nowhere/program").ended).rejects.toThrow(
    /^program did not start: .*ENOENT/,
  );
});

let left: Child;
test("a child process may be left running", async () => {
  left = startNode(echo, [], { stdin: "pipe" });
  await left.line();
  expect(left.hasEnded).toBe(false);
});

test("the end of a test has killed the child process that it left running", async () => {
  expect((await left.ended).how).toBe("SIGKILL");
  expect(() => process.kill(left.pid!, 0)).toThrow(/ESRCH/);
});
