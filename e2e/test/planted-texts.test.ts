import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changeFaults } from "../src/change-law/planted-faults.ts";
import { nodeFaults, sourceFaults, withFault } from "../src/planted-faults.ts";

const core = join(import.meta.dirname, "../../packages/core/src");

// Code that moves takes the text of its fault along. The tests that plant the faults run for long.
test.each([...sourceFaults, ...nodeFaults, ...changeFaults])(
  "the source has the text of: $name",
  (fault) => {
    const source = readFileSync(join(core, fault.file), "utf8");
    expect(withFault(fault, source)).not.toBe(source);
  },
);
