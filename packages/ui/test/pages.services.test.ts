/** Every page of the console in Chromium, over a seeded bank in real stores. */
import { chromium, suiteNeeding } from "@tidemark/testkit/needs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overflowOf, violationsOf } from "./support/axe.ts";
import { openBank, USER, type Bank } from "./support/bank.ts";
import { launch, openWatched, WIDTHS } from "./support/browser.ts";
import { shownPages } from "./support/page-addresses.ts";

suiteNeeding(chromium(), "the console", () => {
  let bank: Bank;
  let browser: Browser;
  beforeAll(async () => {
    bank = await openBank();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await bank?.close();
  });

  async function opened(path: string, ready: string, width: number): Promise<Page> {
    const { page } = await openWatched(browser, bank.address, { width });
    await page.goto(`${bank.address}#/${path}`);
    await page.getByText(ready).filter({ visible: true }).first().waitFor();
    return page;
  }

  describe.each(WIDTHS)("at %i pixels", (width) => {
    test.each(shownPages.map((one) => [one.name, one] as const))(
      "%s has its data, no error, no violation, and fits",
      async (_, { path, ready }) => {
        const { page, faults } = await openWatched(browser, bank.address, { width });
        await page.goto(`${bank.address}#/${path}`);
        await page.getByText(ready).filter({ visible: true }).first().waitFor();
        expect(await page.getByRole("alert").allTextContents()).toEqual([]);
        expect(await violationsOf(page)).toEqual([]);
        expect(await overflowOf(page)).toBeLessThanOrEqual(0);
        expect(faults).toEqual([]);
        await page.context().close();
      },
    );
  });

  test.each(["", "explain/weekly_activity/total_amount_l1w", "definitions"])(
    "dark colours have contrast: %s",
    async (path) => {
      const { page } = await openWatched(browser, bank.address, { width: 1280, theme: "dark" });
      await page.goto(`${bank.address}#/${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await page.context().close();
    },
  );

  test("Home says what the store says", async () => {
    const page = await opened("", "1,014", 1280);
    const status = await bank.store.status();
    for (const { source, rowsTaken, online } of status) {
      const row = page.getByRole("row").filter({ hasText: source }).first();
      expect(await row.textContent()).toContain(rowsTaken!.toLocaleString("en"));
      expect(await row.locator("td").last().textContent()).toBe(String(online!.quarantinedRows));
      expect(await row.textContent()).toContain("ready");
    }
    const { drift, expectations } = await bank.store.checkResults();
    expect(expectations.filter(({ holds }) => !holds)).toHaveLength(1);
    await page.getByText(`1 of ${expectations.length} expectations fail`).waitFor();
    const drifted = drift.filter(({ isDrifted }) => isDrifted).length;
    expect(drifted).toBeGreaterThan(0);
    await page.getByText(`${drifted} of ${drift.length} columns drifted`).waitFor();
    await page.context().close();
  });

  test("Home shows new rows without a reload", async () => {
    const part = await openBank({ firstChanges: 300 });
    try {
      const { page } = await openWatched(browser, part.address, { width: 1280 });
      await page.goto(part.address);
      const row = page.getByRole("row").filter({ hasText: "transactions" }).first();
      await row.waitFor();
      expect(await row.textContent()).not.toContain("1,014");
      await part.takeMore();
      await row.getByText("1,014").waitFor();
      await page.context().close();
    } finally {
      await part.close();
    }
  });

  test("Sources shows a failed task of a connector, and why it failed", async () => {
    const worker = "connect:8083";
    const reason = "Publication mine does not exist";
    const states = [
      {
        name: "bank",
        state: "RUNNING",
        worker,
        reason: null,
        tasks: [{ id: 0, state: "FAILED", worker, reason }],
        error: null,
      },
      { name: "shop", state: "PAUSED", worker, reason: null, tasks: [], error: null },
      {
        name: "away",
        state: null,
        worker: null,
        reason: null,
        tasks: [],
        error: "nothing answers at http://away:8083",
      },
    ];
    const own = await openBank({ firstChanges: 100, connectors: async () => states });
    try {
      const { page, faults } = await openWatched(browser, own.address, { width: 390 });
      await page.goto(`${own.address}#/sources`);
      const table = page.getByRole("region", { name: "Connectors" });
      await table.waitFor();
      const rows = await table
        .locator("tbody tr")
        .evaluateAll((all) =>
          all.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent)),
        );
      expect(rows).toEqual([
        ["bank", "RUNNING", worker, ""],
        ["bank, task 0", "FAILED", worker, reason],
        ["shop", "PAUSED", worker, "no tasks"],
        ["away", "not known", "", "nothing answers at http://away:8083"],
      ]);
      const tones = await table
        .locator(".badge")
        .evaluateAll((all) => all.map(({ className }) => className.replace("badge badge-", "")));
      expect(tones).toEqual(["good", "bad", "warn", "bad"]);
      expect(await violationsOf(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      expect(faults).toEqual([]);
      await page.context().close();
    } finally {
      await own.close();
    }
  });

  test("Explain shows the number that the history gives, and its rows", async () => {
    const { weekly } = bank.definitions;
    const asOf = "2025-06-09T12:00:00Z";
    const explanation = await bank.store.explain({
      feature: weekly.total_amount_l1w,
      entity: { user_id: USER },
      asOf,
    });
    const [trained] = await (
      await bank.store.getHistoricalFeatures({
        features: weekly.total_amount_l1w,
        entities: [{ user_id: USER, event_timestamp: new Date(asOf) }],
        knowledge: "as-known",
      })
    ).rows();
    const path = `explain/weekly_activity/total_amount_l1w?key.user_id=${USER}&asOf=${asOf}`;
    const page = await opened(path, "rows count", 1280);
    expect(await page.getByTestId("value").textContent()).toBe(String(trained!.total_amount_l1w));
    const inside = page.getByRole("region", { name: "Rows inside" });
    expect(await inside.locator("tbody tr").count()).toBe(explanation.parts[0]!.insideCount);
    const drawn = page.locator("circle.row-inside");
    expect(await drawn.count()).toBe(explanation.parts[0]!.insideCount);
    await page.context().close();
  });

  test("Explain shows what was known and what was corrected since, with the rows", async () => {
    const { weekly } = bank.definitions;
    const explanation = await bank.store.explain({
      feature: weekly.total_amount_l1w,
      entity: { user_id: "user_000009" },
      asOf: "2025-06-03T12:00:00Z",
    });
    expect(explanation.other).not.toBeNull();
    const { path, ready } = shownPages.find(({ name }) => name === "explain")!;
    const page = await opened(path, ready, 1280);
    expect(await page.getByTestId("value").textContent()).toBe(String(explanation.value));
    const corrected = page.getByText("As corrected since it is");
    expect(await corrected.locator("strong").textContent()).toBe(String(explanation.other!.value));
    const outside = page.getByRole("region", { name: "Rows outside" });
    const quarantined = outside.getByRole("row").filter({ hasText: "QUARANTINED" });
    await quarantined.getByText("version").first().click();
    expect(await quarantined.textContent()).toContain("topic bank.public.transaction_data");
    await page.getByRole("heading", { name: /^What changed since/ }).waitFor();
    await page.context().close();
  });

  test("Playground answers what the online store answers, and leads to Explain", async () => {
    const { customer360 } = bank.definitions;
    const row = await bank.store.getOnlineFeatures({
      features: customer360,
      entity: { user_id: USER },
    });
    const page = await opened(
      `playground?service=customer_360&key.user_id=${USER}`,
      "amount_by_vendor_l1w",
      1280,
    );
    const answer = page.getByRole("region", { name: "Answer" });
    for (const name of ["num_transactions_l1w", "total_amount_l1w", "segment"] as const) {
      const own = answer.getByRole("row").filter({ hasText: name });
      expect(await own.locator("b").textContent()).toBe(String(row[name]));
    }
    await page.getByRole("link", { name: "Explain total_amount_l1w" }).click();
    await page.getByText("rows count").first().waitFor();
    expect(await page.getByTestId("value").textContent()).toBe(String(row.total_amount_l1w));
    await page.context().close();
  });

  test("Time machine shows what the history answers at each time", async () => {
    const { weekly } = bank.definitions;
    const path = `time?service=weekly_activity&key.user_id=${USER}&begin=2025-06-02&end=2025-06-10`;
    const page = await opened(path, "Time of the request", 1280);
    const slider = page.getByRole("slider");
    for (let i = 0; i < 12; i++) {
      if (i % 3 === 0) await page.getByRole("button", { name: "Change before" }).click();
      else
        await slider.evaluate((input, share) => {
          const { min, max } = input as HTMLInputElement;
          (input as HTMLInputElement).value = String(
            Math.round(Number(min) + (Number(max) - Number(min)) * share),
          );
          input.dispatchEvent(new Event("input", { bubbles: true }));
        }, i / 12);
      const at = (await slider.getAttribute("aria-valuetext"))!;
      const answers = await bank.store.getHistoricalFeatures({
        features: weekly,
        entities: [{ user_id: USER, event_timestamp: at }],
        knowledge: "as-known",
      });
      const [row] = await answers.rows();
      for (const name of ["num_transactions_l1w", "total_amount_l1w", "num_vendors_l1w"] as const)
        expect(`${at} ${await page.getByTestId(`at ${name}`).textContent()}`).toBe(
          `${at} ${row![name]}`,
        );
    }
    await page.context().close();
  });

  test("Graph draws the lineage, and leads from a node to what it is made of", async () => {
    const page = await opened("graph", "payment_check", 1280);
    const lineage = (await (await fetch(new URL("../v1/lineage", bank.address))).json()) as {
      nodes: unknown[];
      edges: unknown[];
    };
    expect(await page.locator(".graph a").count()).toBe(lineage.nodes.length);
    expect(await page.locator(".graph path").count()).toBe(lineage.edges.length);
    await page.getByRole("link", { name: "vendor_customers" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Open view vendor_customers" }).waitFor();
    await expect.poll(() => page.locator(".graph a").count()).toBeLessThan(lineage.nodes.length);
    await page.context().close();
  });

  test("a source shows its newest changes as they came and as they were decoded", async () => {
    const [newest] = await bank.store.changes("transactions", { limit: 20 });
    const page = await opened("sources/transactions", "As the message said it", 1280);
    const row = page.getByRole("region", { name: "Newest changes" }).locator("tbody tr").first();
    expect(await row.textContent()).toContain(`offset ${newest!.offset}`);
    await row.getByText("Row").click();
    expect(await row.textContent()).toContain(newest!.message!);
    await page.context().close();
  });

  test("a feature shows its drift over time, and the threshold", async () => {
    const history = await bank.store.driftHistory({
      view: "weekly_activity",
      columns: ["total_amount_l1w"],
    });
    const path = "feature/weekly_activity/total_amount_l1w";
    const page = await opened(path, "The dashed line is the threshold of PSI, 0.2.", 1280);
    await page.getByRole("img", { name: "Null rate of total_amount_l1w by day" }).waitFor();
    const chart = page.getByRole("img", { name: /^PSI of total_amount_l1w .* threshold 0.2$/ });
    expect(await chart.locator("line.limit").count()).toBe(1);
    // a horizontal piece for each measurement
    const drawn = await chart.locator("path").getAttribute("d");
    expect(drawn!.match(/[ML]/g)).toHaveLength(2 * history.length);
    const rows = page.getByRole("region", { name: "Drift of total_amount_l1w" }).locator("tr");
    const [newest] = history;
    const cells = await rows.nth(1).locator("td").allTextContents();
    expect(cells.slice(0, 3)).toEqual([
      newest!.measuredAt.replace("T", " ").replace(".000000", ""),
      "2025-06-08 to the last",
      newest!.reference,
    ]);
    expect(Number.parseFloat(cells[3]!)).toBeCloseTo(newest!.measures.psi!, 3);
    await page.getByRole("combobox", { name: "Measure" }).selectOption("wasserstein");
    await page.getByText("Wasserstein has no threshold.").waitFor();
    await page.context().close();
  });

  test("a feature without drift says which command measures it", async () => {
    const page = await opened("feature/spending/amount_1d_of_1w", "No drift of it", 1280);
    await page.getByText("tidemark drift spending --reference").waitFor();
    await page.context().close();
  });

  test("times are told by the store's clock", async () => {
    const page = await opened("changes", "the console's test", 1280);
    // the apply and the end of the bank's days are one moment of a fixed clock
    const [applied] = await page
      .getByRole("region", { name: "Applies" })
      .locator("time")
      .allTextContents();
    expect(applied).toMatch(/^[\d.]+ (s|min) ago$/);
    await page.context().close();
  });

  test("a feature shows its definition as TypeScript", async () => {
    const title = "Definition in TypeScript";
    const page = await opened("feature/spending/amount_1d_of_1w", title, 1280);
    const code = page.getByLabel(title, { exact: true });
    expect(await code.textContent()).toMatch(/div\(sum\(.*\.over\("1d"\)/s);
    const request = page.getByLabel("TypeScript", { exact: true });
    expect(await request.textContent()).toContain("features: spending.amount_1d_of_1w,");
    await page.context().close();
  });

  test("the keyboard alone reaches a feature, and every control of a page", async () => {
    const page = await opened("", "1,014", 1280);
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search pages and definitions" }).waitFor();
    await page.keyboard.type("explain total_am");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Explain", level: 1 }).waitFor();
    await page.getByLabel("user_id (string)").focus();
    await page.keyboard.type(USER);
    await page.keyboard.press("Enter");
    await page.getByText("rows count").first().waitFor();
    const controls = page.locator("a[href], button, input, select, summary, [tabindex='0']");
    const count = await controls.count();
    expect(count).toBeGreaterThan(50);
    await page.evaluate(() => {
      document.addEventListener("focusin", ({ target }) =>
        (target as Element).setAttribute("data-reached", ""),
      );
      document.querySelector<HTMLElement>(".skip")!.focus();
    });
    for (let i = 0; i < count; i++) await page.keyboard.press("Tab");
    const left = await controls.evaluateAll((all) =>
      all
        .filter((one) => one.checkVisibility() && !one.hasAttribute("data-reached"))
        .map((one) => one.outerHTML.slice(0, 100)),
    );
    expect(left).toEqual([]);
    await page.context().close();
  });

  test("a request as code has the names that the definitions export", async () => {
    const path = `playground?service=customer_360&key.user_id=${USER}`;
    const page = await opened(path, 'import { customer360 } from "./features.ts"', 1280);
    await page.getByRole("button", { name: "curl" }).click();
    await page.getByText("/v1/services/customer_360/features").waitFor();
    await page.context().close();
  });

  test("a planted fault is found: a picture without a text", async () => {
    const page = await opened("", "1,014", 1280);
    await page.evaluate(() => document.querySelector("main")!.append(new Image()));
    expect(await violationsOf(page)).toEqual([expect.stringMatching(/^image-alt: /)]);
    await page.context().close();
  });

  test("within three clicks from Home: why, who, drifted, late", async () => {
    const page = await opened("", "0 messages", 1280); // late: no click
    await page.getByRole("link", { name: "catalogue", exact: true }).click();
    await page.getByRole("link", { name: "weekly_activity:total_amount_l1w" }).click();
    await page.getByText("owner: risk").waitFor(); // who: two clicks
    await page.getByRole("region", { name: "Drift of" }).getByText("PSI").waitFor(); // drifted: two
    await page.getByRole("link", { name: "Explain a value" }).click(); // why: three
    await page.getByLabel("user_id (string)").waitFor();
    await page.context().close();
  });
});
