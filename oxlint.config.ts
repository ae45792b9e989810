import { defineConfig, type OxlintOverride } from "oxlint";

/** The rooms of core, each of which may import only from those before it. */
const rooms = [
  "time",
  "bytes",
  "types",
  "columns",
  "statistics",
  "expr",
  "define",
  "audit",
  "aggregate",
  "plan",
  "window",
  "asof",
  "engine",
  "rows",
  "row-formats",
  "pairing",
  "ingest",
  "request",
  "offline",
  "online",
  "resnapshot",
  "retry",
  "push",
  "materialize",
  "quality",
  "profile",
  "drift",
  "erase",
  "registry",
  "status",
  "backup",
  "store",
  "entity-files",
  "testing",
];

const roomRules: readonly OxlintOverride[] = rooms.map((room, i) => ({
  files: [`packages/core/src/${room}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: [...rooms.slice(i + 1).map((above) => `**/${above}/**`), "@tidemark/**"],
            message: `The rooms of core import one way: ${rooms.join(" ← ")}.`,
          },
        ],
      },
    ],
  },
}));

/** The rooms of the command, each of which may import only from those before it. */
const commandRooms = [
  "terminal",
  "modules",
  "config",
  "input",
  "output",
  "load",
  "serve",
  "maintenance",
  "training-set",
  "shards",
  "replay",
  "commands",
];

const commandRoomRules: readonly OxlintOverride[] = commandRooms.map((room, i) => ({
  files: [`packages/cli/src/${room}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: [
              "../main.ts",
              "../bin.ts",
              "../index.ts",
              ...commandRooms.slice(i + 1).map((above) => `**/${above}/**`),
            ],
            message: `The rooms of the command import one way: ${commandRooms.join(" ← ")}.`,
          },
        ],
      },
    ],
  },
}));

const adapters = [
  "@tidemark/delta",
  "@tidemark/adapter-minio",
  "@tidemark/adapter-postgres",
  "@tidemark/adapter-sqlite",
  "@tidemark/source-debezium",
  "@tidemark/cli",
];
/** The rooms of source-debezium, and those that each may not import from. */
const logRooms: Readonly<Record<string, readonly string[]>> = {
  message: ["kafka", "recorded", "debezium", "connector"],
  kafka: ["recorded", "debezium", "connector"],
  recorded: ["kafka", "debezium", "connector"],
  debezium: ["kafka", "recorded", "connector"],
  connector: ["message", "kafka", "recorded", "debezium"],
};

/** The rooms of server, and those that each may not import from. */
const serverRooms: Readonly<Record<string, readonly string[]>> = {
  alerts: ["options", "features", "http", "training-sets", "metrics", "api", "feast"],
  options: ["features", "http", "training-sets", "metrics", "api", "feast"],
  features: ["options", "http", "training-sets", "metrics", "api", "feast"],
  http: ["metrics", "api", "feast"],
  "training-sets": ["features", "metrics", "api", "feast"],
  metrics: ["api", "feast"],
  api: ["metrics", "feast"],
  feast: ["metrics", "api"],
  console: ["features", "http", "training-sets", "metrics", "api", "feast"],
};

const eachOther = "Adapters know core and never each other.";

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "node"],
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: ["**/dist/**", "**/fixtures/**", ".tidemark/**"],
  rules: {
    eqeqeq: ["error", "always", { null: "ignore" }],
    "no-var": "error",
    "prefer-const": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "import/no-cycle": ["error", { ignoreTypes: true }],

    // Golden bytes are written in their parts. The library is no browser.
    // Kernels allocate by length. Sorting in place is meant.
    "no-useless-concat": "off",
    "import/no-named-as-default-member": "off",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
    "unicorn/no-new-array": "off",
    "unicorn/require-module-specifiers": "off",
    "unicorn/require-post-message-target-origin": "off",
    "no-shadow": "off",
    "no-unexpected-multiline": "off",
    "no-underscore-dangle": "off",
    "no-new": "off",
    "no-constant-binary-expression": "off",
    "no-await-in-loop": "off",
    "no-loss-of-precision": "off",
    "no-unmodified-loop-condition": "off",
    "unicorn/no-array-fill-with-reference-type": "off",
  },
  overrides: [
    ...roomRules,
    ...commandRoomRules,
    {
      files: ["packages/adapter-minio/src/**"],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              {
                group: ["@tidemark/delta"],
                allowTypeImports: true,
                message: "The object store keeps delta's interface, and runs without its code.",
              },
              {
                group: adapters.filter(
                  (name) => !["@tidemark/delta", "@tidemark/adapter-minio"].includes(name),
                ),
                message: eachOther,
              },
            ],
          },
        ],
      },
    },
    {
      files: ["packages/{delta,adapter-postgres,adapter-sqlite,source-debezium}/src/**"],
      rules: {
        "no-restricted-imports": ["error", { patterns: [{ group: adapters, message: eachOther }] }],
      },
    },
    ...Object.entries(serverRooms).map(([room, others]): OxlintOverride => ({
      files: [`packages/server/src/${room}/**`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              { group: adapters, message: "The server serves any store." },
              {
                group: [...others.map((other) => `**/${other}/**`), "**/feature-server.ts"],
                message:
                  "The rooms of server import one way: " +
                  "options, features ← http ← training-sets ← metrics, api, feast.",
              },
            ],
          },
        ],
      },
    })),
    ...Object.entries(logRooms).map(([room, others]): OxlintOverride => ({
      files: [`packages/source-debezium/src/${room}/**`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              { group: adapters, message: eachOther },
              {
                group: others.map((other) => `**/${other}/**`),
                message:
                  "A log of messages knows no format; change-sources.ts brings them together.",
              },
            ],
          },
        ],
      },
    })),
  ],
});
