import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Step, cache, runTool } from "./step.ts";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Runs every test of every package. `filters` are those of vitest: parts of file names, or `-t
 * name`.
 */
export function vitest(filters: readonly string[]): Step {
  return {
    name: "tests",
    run: async () => {
      const file = join(cache, "vitest.json");
      mkdirSync(cache, { recursive: true });
      rmSync(file, { force: true });
      const { code } = await runTool(
        "vitest",
        ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...filters],
        { show: true },
      );
      if (!existsSync(file))
        return {
          passed: 0,
          failed: 1,
          skipped: 0,
          output: `vitest ended with code ${code} and left no report`,
        };
      const report = JSON.parse(readFileSync(file, "utf8")) as Report;
      // A file that does not load has no tests to count, and an error outside any test fails no
      // test. Both must count as failures.
      const broken = report.testResults.filter(
        (result) =>
          result.status === "failed" &&
          !result.assertionResults.some(({ status }) => status === "failed"),
      ).length;
      const failed = report.numFailedTests + broken;
      return {
        passed: report.numPassedTests,
        failed: failed === 0 && code !== 0 ? 1 : failed,
        skipped: report.numPendingTests + report.numTodoTests,
        output: failed === 0 ? `vitest ended with code ${code}; see above` : "",
      };
    },
  };
}
