import { beforeAll, expect, test } from "vitest";
import { compile, type Complaint } from "./support/compile.ts";
import { misuses, textOf } from "./support/misuses.ts";

let complaints: readonly (readonly Complaint[])[];
beforeAll(() => {
  complaints = compile(misuses.map(textOf)).complaints;
});

test.each(misuses.map((misuse, i) => ({ ...misuse, i })))(
  "the compiler refuses $name, on its line and with a reason",
  (misuse) => {
    const line =
      textOf(misuse)
        .split("\n")
        .findIndex((text) => text.includes("// !")) + 1;
    const found = complaints[misuse.i]!;
    expect(
      found.map((one) => one.line),
      found.map((one) => one.message).join("\n"),
    ).toEqual(found.map(() => line));
    expect(found[0]?.message).toContain(misuse.says);
  },
);
