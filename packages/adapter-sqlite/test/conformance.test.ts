import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onlineStoreConformance } from "@tidemark/core/testing";
import Database from "better-sqlite3";
import { describe, test } from "vitest";
import { sqliteOnlineStore } from "../src/index.ts";

describe("a file", () => {
  onlineStoreConformance({
    test,
    make: async () => {
      const directory = mkdtempSync(join(tmpdir(), "tidemark-sqlite-"));
      return {
        store: () => sqliteOnlineStore(join(directory, "online.db")),
        remove: async () => rmSync(directory, { recursive: true }),
      };
    },
  });
});

describe("a Database in memory that was handed in and answers in bigints", () => {
  onlineStoreConformance({
    test,
    make: async () => {
      const database = new Database(":memory:").defaultSafeIntegers(true);
      return {
        store: () => sqliteOnlineStore(database),
        remove: async () => void database.close(),
      };
    },
  });
});
