import { defineConfig } from "vitest/config";

// Node gives these conditions to `require` too, so "import" must not be among them; for an import
// it holds anyway.
export default defineConfig({
  resolve: { conditions: ["@tidemark/source", "node"] },
  ssr: { resolve: { conditions: ["@tidemark/source", "node"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "docs/test/**/*.test.ts",
      "testkit/test/**/*.test.ts",
      "e2e/test/**/*.test.ts",
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
