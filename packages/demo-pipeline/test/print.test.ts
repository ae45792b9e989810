import { expect, test } from "vitest";
import { table } from "../src/print.ts";
import { progressBar } from "../src/progress.ts";

test("numbers are right-aligned with the digits of their column; null is a dash", () => {
  expect(
    table([
      { user: "a", total: 1234.5, many: 7 },
      { user: "bcd", total: null, many: 1200 },
    ]),
  ).toEqual([
    "user     total   many",
    "────  ────────  ─────",
    "a     1,234.50      7",
    "bcd          –  1,200",
  ]);
});

test("a terminal has a bar that is drawn over and taken away, a file a line at every tenth", () => {
  const written = (isTTY: boolean): string => {
    let text = "";
    const bar = progressBar(
      {
        isTTY,
        write: (more) => {
          text += more;
        },
      },
      100,
      "rows",
    );
    for (let done = 0; done <= 100; done += 5) bar.at(done);
    bar.end();
    return text;
  };
  expect(
    written(false)
      .trimEnd()
      .split("\n")
      .map((line) => /\d+ %/.exec(line)?.[0]),
  ).toEqual(["10 %", "20 %", "30 %", "40 %", "50 %", "60 %", "70 %", "80 %", "90 %", "100 %"]);
  const [before, first, ...more] = written(true).split("\r\u001b[2K");
  expect(before).toBe("");
  expect(first).toMatch(/^ {3}░{30} {3}0 % {2}0 of 100 rows/);
  expect(more.at(-1)).toBe("");
});
