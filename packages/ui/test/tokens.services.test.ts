/** The console of a server with tokens: it asks for one, and masks what the token may not see. */
import {
  entity,
  featureService,
  featureView,
  int64,
  latest,
  openStore,
  pushSource,
  string,
  timestamp,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { chromium, suiteNeeding } from "@tidemark/testkit/needs";
import { consoleFiles } from "@tidemark/ui";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { violationsOf } from "./support/axe.ts";
import { launch, openWatched } from "./support/browser.ts";

const user = entity("user", { keys: { user_id: string() } });
const moves = pushSource("moves", {
  columns: {
    id: int64(),
    user_id: string(),
    address: string().describe({ sensitivity: "pii" }),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const home = featureView("home", {
  entity: user,
  source: moves,
  features: { address: latest(moves.address) },
});
const definitions = { home, service: featureService("letters", [home]) };

const TOKENS = {
  operator: "the-token-of-operators",
  officer: "the-token-of-the-officer",
  model: "the-token-of-the-model",
} as const;

suiteNeeding(chromium(), "the console of a server with tokens", () => {
  let store: Store;
  let server: FeatureServer;
  let address: string;
  let browser: Browser;
  beforeAll(async () => {
    store = await openStore({
      definitions,
      online: { store: memoryOnlineStore(), retention: "forever" },
      offline: memoryOfflineStore(),
      clock: () => new Date("2025-06-14T12:00:00Z"),
    });
    await store.push("moves", [
      { id: 1n, user_id: "u1", address: "7 Mill Lane", time: "2025-06-14T09:00:00Z" },
    ]);
    server = await featureServer({
      store,
      definitions,
      consoleFiles,
      tokens: [
        { name: "operator", scopes: ["read", "operate"], token: TOKENS.operator },
        { name: "officer", scopes: ["read", "operate", "personal"], token: TOKENS.officer },
        { name: "model", scopes: ["read"], token: TOKENS.model },
      ],
    });
    address = `${await server.listen({ port: 0 })}/console/`;
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await store?.close();
  });

  const EXPLAIN =
    "explain/home/address?key.user_id=u1&asOf=2025-06-14T12:00:00Z&knowledge=as-corrected";

  async function signedIn(token: string, path: string) {
    const { page } = await openWatched(browser, address, { width: 1280 });
    await page.goto(`${address}#/${path}`);
    await page.getByLabel("Token").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByLabel("Token").fill(token);
    await page.keyboard.press("Enter");
    return page;
  }

  test("a wrong token does not come in", async () => {
    const page = await signedIn("not-a-token-of-the-server", "");
    await page.getByText("TOKEN_UNKNOWN").waitFor();
    await page.getByLabel("Token").waitFor();
    await page.context().close();
  });

  test("personal values are masked without the scope", async () => {
    const page = await signedIn(TOKENS.operator, EXPLAIN);
    await page.getByTestId("value").waitFor();
    expect(await page.getByTestId("value").textContent()).toBe("***");
    expect(await page.textContent("main")).not.toContain("7 Mill Lane");
    await page.context().close();
  });

  test("with the scope they are shown", async () => {
    const page = await signedIn(TOKENS.officer, EXPLAIN);
    await page.getByText("7 Mill Lane").first().waitFor();
    expect(await page.getByTestId("value").textContent()).toBe("7 Mill Lane");
    await page.context().close();
  });

  test("a token that only reads sees the definitions, and is told what it lacks", async () => {
    const page = await signedIn(TOKENS.model, "");
    await page.getByText("SCOPE_MISSING").first().waitFor();
    await page.goto(`${address}#/definitions`);
    await page.getByRole("link", { name: "home:address" }).waitFor();
    await page.context().close();
  });
});
