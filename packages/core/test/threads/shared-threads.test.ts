/** Threads do the tasks of any module. */
import { expect, test } from "vitest";
import { inThreads, type ModuleTask } from "../../src/threads/shared-threads.ts";
import { moduleUrl, startWorker, workerPool } from "../../src/threads/worker-pool.ts";

let started = 0;
const pool = workerPool<ModuleTask, unknown>(() => {
  started++;
  return startWorker(moduleUrl(import.meta.url, "../", "../src/task-worker"));
});

function moduleOf(code: string): string {
  const source = `export async function answerTask(task) { ${code} }`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

const task = (one: unknown) => async () => ({ task: one, buffers: [] });

test("tasks of two modules have one thread after the other", async () => {
  const double = inThreads(moduleOf("return { answer: task * 2, buffers: [] };"), () => pool);
  const text = inThreads(moduleOf("return { answer: `<${task}>`, buffers: [] };"), () => pool);
  expect(await double(task(4))).toBe(8);
  expect(await text(task(4))).toBe("<4>");
  expect(started).toBe(1);
});

test("the buffers of an answer are moved, each of them once", async () => {
  const code = `const { buffer } = new Float64Array([task]);
    return { answer: buffer, buffers: [buffer, buffer] };`;
  const run = inThreads(moduleOf(code), () => pool);
  expect(new Float64Array((await run(task(7))) as ArrayBuffer)).toEqual(Float64Array.of(7));
});

test("a module that is not there gives null, and the thread goes on", async () => {
  const run = inThreads("file:///nowhere.js", () => pool);
  expect(await run(task(1))).toBeNull();
  expect(await run(task(1))).toBeNull();
  expect(started).toBe(1);
});

test("an error of a task is thrown with its code", async () => {
  const run = inThreads(
    moduleOf("throw Object.assign(new Error('too many'), { code: 'LIMIT' });"),
    () => pool,
  );
  await expect(run(task(1))).rejects.toThrow("too many");
});
