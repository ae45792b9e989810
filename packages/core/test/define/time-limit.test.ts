/** Time limits of options: text with a unit, down to the millisecond. */
import { expect, test } from "vitest";
import { timeLimitMillis } from "../../src/define/duration.ts";

test.each([
  ["0s", 0],
  ["500ms", 500],
  ["10s", 10_000],
  ["2m", 120_000],
  ["3h", 10_800_000],
  ["24d", 2_073_600_000],
])("%s is %i ms", (text, millis) => {
  expect(timeLimitMillis("timeout", text)).toBe(millis);
});

test.each([
  ["5 s", "not a duration"],
  ["", "not a duration"],
  ["s", "not a duration"],
  ["1.5s", "not a duration"],
  ["-1s", "not a duration"],
  [5000, "not a duration"],
  ["0s", "too short"],
  ["25d", "too long"],
])("%j is refused: %s", (text, why) => {
  expect(() => timeLimitMillis("run: timeout", text, 1)).toThrow(
    expect.objectContaining({
      code: "DURATION_INVALID",
      message: expect.stringContaining(`run: timeout: ${JSON.stringify(text)} is ${why}`) as string,
    }) as Error,
  );
});
