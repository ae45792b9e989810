import { describe, test } from "vitest";

/** Something that a test needs beyond npm. */
export interface Need {
  /** null if the need is met; otherwise what is missing and the command that installs it. */
  readonly missing: string | null;
}

/**
 * Declares a suite that needs something. If it is missing, the suite is skipped by name; with
 * CI=true that is a failure.
 */
export function suiteNeeding(need: Need, name: string, body: () => void): void {
  if (need.missing === null) describe(name, body);
  else if (process.env["CI"] === "true")
    describe(name, () => {
      test("has what it needs", () => {
        throw new Error(need.missing!);
      });
    });
  else describe.skip(`${name} (skipped: ${need.missing})`, body);
}
