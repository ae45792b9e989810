/** Tests the declared encoding of a bytes column. */
import {
  bytes,
  entity,
  featureView,
  int64,
  latest,
  source,
  string,
  timestamp,
} from "@tidemark/core";
import { specOfSource } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";

const user = entity("user", { keys: { user_id: string() } });
const made = (token: ReturnType<typeof bytes>) => {
  const logins = source("logins", {
    table: "public.logins",
    columns: { id: int64("id"), user_id: string("user_id"), token, at: timestamp("at") },
    primaryKey: ["id"],
    eventTime: "at",
  });
  const last = featureView("last", {
    entity: user,
    source: logins,
    features: { token: latest(logins.token), at: latest(logins.at) },
  });
  return { logins, objects: definedObjects(collectDefinitions({ last })) };
};

test("the encoding is in the column's spec, and absent without one", () => {
  expect(specOfSource(made(bytes("t", { encoding: "hex" })).logins).columns[2]).toEqual({
    name: "token",
    database: "t",
    type: "bytes",
    nullable: false,
    encoding: "hex",
  });
  expect(specOfSource(made(bytes("t")).logins).columns[2]).not.toHaveProperty("encoding");
  expect(specOfSource(made(bytes({ encoding: "base64url" })).logins).columns[2]).toEqual({
    name: "token",
    database: "token",
    type: "bytes",
    nullable: false,
    encoding: "base64url",
  });
});

test("the encoding changes the fingerprints of the source and of the features that read it", () => {
  const [plain, hex] = [made(bytes("t")).objects, made(bytes("t", { encoding: "hex" })).objects];
  const differing = [...plain.keys()].filter(
    (key) => plain.get(key)!.fingerprint !== hex.get(key)!.fingerprint,
  );
  expect(differing).toEqual(["feature last.token", "source logins"]);
  expect(JSON.stringify(plain.get("source logins")!.normalized)).not.toContain("encoding");
});
