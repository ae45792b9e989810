import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { projectOf } from "./projects.ts";
import { type Step, cache, root, runTool } from "./step.ts";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** ms since the epoch. */
    readonly startTime: number;
    readonly endTime: number;
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
      const skipped = report.numPendingTests + report.numTodoTests;
      console.log(projectTimes(report));
      // In CI everything is there that a test needs, so a skipped test is a mistake.
      const missing = process.env["CI"] === "true" && filters.length === 0 ? skipped : 0;
      if (missing > 0) console.log(`${missing} tests were skipped; with CI=true that is a failure`);
      const failed = report.numFailedTests + broken + missing;
      return {
        passed: report.numPassedTests,
        failed: failed === 0 && code !== 0 ? 1 : failed,
        skipped: missing > 0 ? 0 : skipped,
        output: failed === 0 ? `vitest ended with code ${code}; see above` : "",
      };
    },
  };
}

/** How long the test files of each project took, added up over the workers. */
function projectTimes({ testResults }: Report): string {
  const seconds = new Map<string, number>();
  for (const { name, startTime, endTime } of testResults) {
    const project = projectOf(relative(root, name).replaceAll("\\", "/"));
    seconds.set(project, (seconds.get(project) ?? 0) + (endTime - startTime) / 1000);
  }
  const times = [...seconds].map(([project, took]) => `${project} ${took.toFixed(0)} s`);
  return `time of the test files by project: ${times.join(", ")}`;
}
