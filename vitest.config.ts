import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The name of a test file says its project; the check `projects` reads what the file imports.
 *
 * - `x.test.ts` is `unit`: it starts no process and needs no service.
 * - `x.process.test.ts` is `process`: it starts programs or workers of this repository.
 * - `x.services.test.ts` is `services`: it needs programs that npm does not bring.
 * - Every other test file of e2e/ is `laws`: all paths compared with the oracle.
 */
const LONGEST = "e2e/test/pipeline.services.test.ts";
const folders = ["packages/*/test", "docs/test", "testkit/test"];
const inFolders = (suffix: string): string[] => folders.map((folder) => `${folder}/**/*${suffix}`);

function project(
  name: string,
  include: string[],
  { exclude = [], globalSetup = [] }: { exclude?: string[]; globalSetup?: string[] } = {},
): TestProjectInlineConfiguration {
  const ignored = ["**/node_modules/**", ...exclude];
  return { extends: true, test: { name, include, exclude: ignored, globalSetup } };
}

/**
 * Files of services wait for them much of the time, so every second file is another one. The
 * longest comes first.
 */
class ServicesBetweenOthers extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const services = sorted.filter(({ project: { name } }) => name === "services");
    const longest = services.findIndex(({ moduleId }) => moduleId.endsWith(LONGEST));
    if (longest > 0) services.unshift(...services.splice(longest, 1));
    const others = sorted.filter(({ project: { name } }) => name !== "services");
    return Array.from({ length: Math.max(services.length, others.length) }, (_, i) => i).flatMap(
      (i) => [...services.slice(i, i + 1), ...others.slice(i, i + 1)],
    );
  }
}

// Programs that tests start compile the same sources: they find them compiled.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, ".tidemark", "compile-cache");

// Node gives these conditions to `require` too, so "import" must not be among them; for an import
// it holds anyway.
export default defineConfig({
  resolve: { conditions: ["@tidemark/source", "node"] },
  ssr: { resolve: { conditions: ["@tidemark/source", "node"] } },
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Generated logs hold much that cannot be read, and every run would warn of it.
    execArgv: ["--disable-warning=TidemarkWarning"],
    sequence: { sequencer: ServicesBetweenOthers },
    setupFiles: ["testkit/src/rerun.ts"],
    maxWorkers: 2,
    projects: [
      project("unit", inFolders(".test.ts"), {
        exclude: ["**/*.process.test.ts", "**/*.services.test.ts"],
      }),
      project("process", inFolders(".process.test.ts")),
      project("laws", ["e2e/test/**/*.test.ts"], { exclude: ["**/*.services.test.ts"] }),
      project("services", [...inFolders(".services.test.ts"), "e2e/test/**/*.services.test.ts"], {
        globalSetup: ["testkit/src/services/broker.ts"],
      }),
    ],
  },
});
