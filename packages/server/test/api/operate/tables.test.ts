/** `GET /v1/tables` answers what the stores hold, with a history of Delta tables. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreStorage } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { expect, test } from "vitest";
import { ask, OPERATE, READ, tokens } from "../../support/ask-server.ts";
import { shopServer } from "../../support/shop-server.ts";

test("the tables of the history, and the entities online", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-tables-"));
  const server = await shopServer({ tokens }, deltaOfflineStore(localObjects(folder)));
  try {
    const { status, body } = await ask<StoreStorage>(server, "/v1/tables", { token: OPERATE });
    expect(status).toBe(200);
    expect(body.history!.tables!.find(({ table }) => table === "payments/changes")).toMatchObject({
      holds: "changes",
      of: "payments",
      rows: 3,
      files: 1,
    });
    const named = body.history!.tables!.map(({ table }) => table);
    expect(named).toContain("payments/versions");
    expect(named).not.toContain("weekly/features");
    expect(body.online!.entityLogs.find(({ keys }) => keys[0] === "user_id")).toMatchObject({
      source: "payments",
      entities: 2,
      rows: 3,
    });
    expect(body).toEqual(JSON.parse(JSON.stringify(await server.store.storage(), bigints)));
    expect((await ask(server, "/v1/tables", { token: READ })).status).toBe(403);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
