import { expect, test } from "vitest";
import { eventLoopYielder } from "../src/yield-to-event-loop.ts";

test("long work yields to waiting events", async () => {
  let turn = false;
  setImmediate(() => {
    turn = true;
  });
  const yieldToEventLoop = eventLoopYielder();
  let waited = yieldToEventLoop();
  while (waited === undefined) waited = yieldToEventLoop();
  expect(turn).toBe(false);
  await waited;
  expect(turn).toBe(true);
});
