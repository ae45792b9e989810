import { defineConfig, env, file } from "@tidemark/cli";
import type { OnlineStore } from "@tidemark/core/spi";
import { expectTypeOf, test } from "vitest";

declare const definitions: { readonly [exported: string]: unknown };
declare const store: OnlineStore;

test("factories see the secrets that are declared, as texts", () => {
  defineConfig({
    definitions,
    secrets: { database: env("X"), s3: file("/x") },
    online: ({ secrets }) => {
      expectTypeOf(secrets).toEqualTypeOf<{ readonly database: string; readonly s3: string }>();
      return store;
    },
  });
});

test("what does not compile", () => {
  // @ts-expect-error a secret is a reference: a plain string is none
  defineConfig({ definitions, secrets: { database: "postgres://bank:hunter2@db/bank" } });
  // @ts-expect-error nor is a string beside references
  defineConfig({ definitions, secrets: { s3: env("S3"), database: process.env["X"]! } });
  // prettier-ignore
  // @ts-expect-error this secret is not declared
  defineConfig({ definitions, secrets: { s3: env("S3") }, online: ({ secrets }) => { void secrets.database; return store; } });
  // @ts-expect-error there is no such member
  defineConfig({ definitions, onlin: () => store });
  // @ts-expect-error a store is opened by a function
  defineConfig({ definitions, online: store });
  // @ts-expect-error there is nothing without definitions
  defineConfig({});
});
