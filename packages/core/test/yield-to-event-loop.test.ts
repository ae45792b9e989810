import { expect, test } from "vitest";
import { breather } from "../src/yield-to-event-loop.ts";

test("work that holds the thread gives way to what waits for it", async () => {
  let turn = false;
  setImmediate(() => {
    turn = true;
  });
  const breathe = breather();
  let waited = breathe();
  while (waited === undefined) waited = breathe();
  expect(turn).toBe(false);
  await waited;
  expect(turn).toBe(true);
});
