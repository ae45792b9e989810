import { expect, test } from "vitest";
import { comparison } from "../../src/replay/answer-comparison.ts";
import { progressOn } from "../../src/terminal/progress.ts";

test("the first difference is named by line and feature, and all are counted", () => {
  const compared = comparison(["a", "b"]);
  compared.add(1, ["1", "null"], ["1", "null"]);
  expect(compared.first).toBeNull();
  compared.add(3, ["1", "0.1"], ["1", "0.10000000000000002"]);
  compared.add(4, ["1", "2"], ["2", "1"]);
  expect(compared.first).toEqual({
    line: 3,
    feature: "b",
    online: "0.1",
    offline: "0.10000000000000002",
  });
  expect([compared.compared, compared.differing]).toEqual([6, 3]);
});

test("progress moves on a terminal only, and warnings are written even with --quiet", () => {
  const said = (isTTY: boolean, quiet: boolean): string => {
    let text = "";
    const progress = progressOn(
      {
        isTTY,
        write: (one) => {
          text += one;
        },
      },
      quiet,
    );
    progress.update("at 1");
    progress.warn("odd");
    progress.done("done");
    return text;
  };
  expect(said(true, false)).toBe("\r\u001B[Kat 1\r\u001B[Kwarning: odd\ndone\n");
  expect(said(false, false)).toBe("warning: odd\ndone\n");
  expect(said(true, true)).toBe("warning: odd\n");
});
