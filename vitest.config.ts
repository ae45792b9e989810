import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@tidemark/source", "node", "import", "default"] },
  ssr: { resolve: { conditions: ["@tidemark/source", "node", "import", "default"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "docs/test/**/*.test.ts", "services/test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
