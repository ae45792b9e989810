import { onlineStoreConformance } from "@tidemark/core/testing";
import { realPostgres, suiteNeeding } from "@tidemark/testkit/needs";
import { ownDatabase } from "@tidemark/testkit/services/shared";
import { test } from "vitest";
import { postgresOnlineStore } from "../src/index.ts";

let schemas = 0;

suiteNeeding(realPostgres(), "a schema of PostgreSQL", () => {
  let database: ReturnType<typeof ownDatabase> | undefined;
  onlineStoreConformance({
    test,
    make: async () => {
      const { url } = await (database ??= ownDatabase());
      const schema = `Store "${schemas++}"`;
      return { store: () => postgresOnlineStore({ connectionString: url, schema }) };
    },
  });
});
