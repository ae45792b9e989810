/** docs/limits.md repeats numbers of the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pageOf, root } from "./support/page.ts";

/** What a number of the page may be in the code, by the unit that follows it. */
const UNITS: Readonly<Record<string, readonly number[]>> = {
  MiB: [2 ** 20],
  GiB: [2 ** 30],
  s: [1_000, 1e6],
  days: [1, 86_400e6],
};

const ROW = /^\| [^|]+ \| ([^|]+) \| \[`([A-Z_]+)`\]\(\.\.\/([^)]+)\) \|$/gm;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Every number that the code of a constant has. */
function numbersOf(file: string, constant: string): readonly number[] {
  const code = readFileSync(join(root, file), "utf8");
  const [, text] = new RegExp(`const ${constant}\\b[^=]*= ([^;]+);`).exec(code) ?? [];
  expect(text, `${file} declares ${constant}`).toBeDefined();
  const parts = text!.startsWith("{") ? text!.slice(1, -1).split(",") : [text!];
  return parts
    .map((part) => part.replace(/^[^:]*:/, "").trim())
    .filter((part) => part !== "")
    .map((part) => Number(new Function(`return Number(${part})`)()));
}

/** What the number at the start of a cell may be in the code. */
function numbersIn(cell: string): readonly number[] {
  const power = new RegExp(`2([${SUPERSCRIPTS}]+)`).exec(cell);
  if (power !== null) {
    const exponent = Number([...power[1]!].map((sign) => SUPERSCRIPTS.indexOf(sign)).join(""));
    return [exponent, 2 ** exponent];
  }
  const [, digits, unit] = /^([\d,]+) ?(\w*)/.exec(cell)!;
  const number = Number(digits!.replaceAll(",", ""));
  return (UNITS[unit!] ?? [1]).map((factor) => number * factor);
}

const rows = [...pageOf("docs/limits.md").text.matchAll(ROW)].map(
  ([, cell, constant, file]) => [constant!, file!, cell!] as const,
);

test("the page names constants of the code", () => {
  expect(rows.length).toBeGreaterThan(20);
});

test.each(rows)("%s in %s is %s", (constant, file, cell) => {
  const code = numbersOf(file, constant);
  expect(
    numbersIn(cell).some((number) => code.includes(number)),
    `the code says ${code.join(", ")}`,
  ).toBe(true);
});
