import { join } from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/**
 * The name of a test file says its project; the check `projects` reads what the file imports.
 *
 * - `x.test.ts` is `unit`: it starts no process and needs no service.
 * - `x.process.test.ts` is `process`: it starts programs or workers of this repository.
 * - `x.services.test.ts` is `services`: it needs programs that npm does not bring.
 * - Every other test file of e2e/ is `laws`: all paths compared with the oracle.
 */
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
