/** Threads answer tasks, and whoever asks learns when no thread can. */
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { workerPool, type WorkerPool } from "../../src/threads/worker-pool.ts";

const answering = `
  const { parentPort } = require("node:worker_threads");
  parentPort.on("message", (task) => {
    if (task === "die") process.exit(3);
    if (task === "sleep") return;
    parentPort.postMessage(
      task === "fail" ? { error: { code: "NAME_TAKEN", message: "taken" } } : { answer: task * 2 },
    );
  });`;

let started = 0;

function startPool(code: string): WorkerPool<unknown, number> {
  started = 0;
  return workerPool(() => {
    started++;
    return new Worker(code, { eval: true });
  });
}

const task = (one: unknown) => async () => ({ task: one, buffers: [] });

test("a free thread takes the next task, and tasks at once have threads of their own", async () => {
  const { run } = startPool(answering);
  expect(await run(task(1))).toBe(2);
  expect(await run(task(2))).toBe(4);
  expect(started).toBe(1);
  expect(await Promise.all([run(task(3)), run(task(4)), run(task(5))])).toEqual([6, 8, 10]);
  expect(started).toBe(3);
});

test("an error of the task has its code, and the thread goes on", async () => {
  const { run } = startPool(answering);
  await expect(run(task("fail"))).rejects.toMatchObject({ code: "NAME_TAKEN", message: "taken" });
  expect(await run(task(7))).toBe(14);
  expect(started).toBe(1);
});

test("a thread that dies gives null, and another one starts", async () => {
  const { run } = startPool(answering);
  expect(await run(task("die"))).toBeNull();
  expect(await run(task(1))).toBe(2);
  expect(started).toBe(2);
});

test("a thread that cannot start gives null, and is not tried again", async () => {
  const { run } = startPool("throw new Error('no file')");
  expect(await run(task(1))).toBeNull();
  expect(await run(task(1))).toBeNull();
  expect(started).toBe(1);
  const none = workerPool<unknown, number>(() => {
    throw new Error("no threads");
  });
  expect(await none.run(task(1))).toBeNull();
});

test("a task that cannot be sent gives null, and the thread goes on", async () => {
  const { run } = startPool(answering);
  expect(await run(task(() => 1))).toBeNull();
  expect(await run(task(2))).toBe(4);
  expect(started).toBe(1);
});

test("an abort ends the thread", async () => {
  const { run } = startPool(answering);
  const controller = new AbortController();
  const running = run(task("sleep"), controller.signal);
  setTimeout(() => {
    controller.abort();
  }, 50);
  await expect(running).rejects.toThrow("aborted");
  expect(await run(task(2))).toBe(4);
});
