/** The pages for operators in Chromium: stores, changes, skew, training sets and days. */
import type { SkewReport } from "@tidemark/core";
import { chromium, suiteNeeding } from "@tidemark/testkit/needs";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { overflowOf, violationsOf } from "./support/axe.ts";
import { openBank, USER, type Bank } from "./support/bank.ts";
import { launch, openWatched, WIDTHS } from "./support/browser.ts";

suiteNeeding(chromium(), "the console's pages for operators", () => {
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

  async function opened(path: string, ready: string): Promise<Page> {
    const { page } = await openWatched(browser, bank.address, { width: 1280 });
    await page.goto(`${bank.address}#/${path}`);
    await page.getByText(ready).first().waitFor();
    return page;
  }

  /** The headings and the cells of the rows of a table. */
  const rowTexts = (table: Locator): Promise<string[][]> =>
    table
      .locator("tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent!)),
      );

  /** The cells of the rows of a table. */
  const cellsOf = (table: Locator): Promise<string[][]> =>
    table
      .locator("tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent!)),
      );

  test.each(
    WIDTHS.flatMap((width) => [
      [width, "stores", "transactions/changes"] as const,
      [width, "changes", "the console's test"] as const,
      [width, "training?view=weekly_activity", "num_vendors_l1w"] as const,
      [width, "skew?check=1&from=2025-06-01T00:00:00Z&to=2025-06-12T00:00:00Z", "0 wrong"] as const,
    ]),
  )("at %i pixels %s has its data, no violation, and fits", async (width, path, ready) => {
    for (const theme of ["light", "dark"] as const) {
      const { page, faults } = await openWatched(browser, bank.address, { width, theme });
      await page.goto(`${bank.address}#/${path}`);
      await page.getByText(ready).first().waitFor();
      expect(await page.getByRole("alert").allTextContents()).toEqual([]);
      expect(await violationsOf(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      expect(faults).toEqual([]);
      await page.context().close();
    }
  });

  test("Stores has the rows and files of each table, and the largest entities", async () => {
    const { history, online, advice } = await bank.store.storage();
    const page = await opened("stores", "transactions/changes");
    const tables = await cellsOf(page.getByRole("region", { name: "Tables of the history" }));
    expect(tables.map(([table, , rows, files]) => [table, rows, files])).toEqual(
      history!.tables!.map(({ table, rows, files }) => [
        table,
        rows.toLocaleString("en"),
        files.toLocaleString("en"),
      ]),
    );
    const entities = await cellsOf(page.getByRole("region", { name: "Entities with the most" }));
    const largest = online!.entityLogs.flatMap((log) => log.largest);
    expect(entities[0]![2]).toBe(Math.max(...largest.map(({ rows }) => rows)).toLocaleString("en"));
    expect(advice).toEqual([]);
    await page.getByText("Nothing needs to be done").waitFor();
    await page.context().close();
  });

  test("Changes has the applies and the audit, which a choice narrows", async () => {
    const page = await opened("changes", "the console's test");
    const [apply] = await bank.store.applies();
    const applies = await cellsOf(page.getByRole("region", { name: "Applies" }));
    expect(applies).toHaveLength(1);
    expect(applies[0]!.slice(0, 1)).toEqual(["1"]);
    expect(applies[0]![4]).toContain(`${apply!.changes!.length} changes`);
    const audit = page.getByRole("region", { name: "Audit" });
    const all = await bank.store.audits();
    expect(await cellsOf(audit)).toHaveLength(all.length);
    await page.getByLabel("Action").selectOption("materialize");
    const actions = async (): Promise<readonly string[]> =>
      (await cellsOf(audit)).map(([, action]) => action!);
    await expect.poll(actions).toEqual(["materialize"]);
    const [materialized] = await cellsOf(audit);
    expect(materialized!.slice(1, 4)).toEqual(["materialize", "done ", "the bank"]);
    expect(materialized![5]).toBe("weekly_activity");
    await page.context().close();
  });

  test("Changes shows what an apply would change, and whom it touches", async () => {
    const plan = {
      namespace: "default",
      applied: { version: 3, by: "ann", at: "2025-06-10T00:00:00.000Z" },
      changes: [
        {
          kind: "feature",
          name: "weekly.total",
          action: "changed",
          version: 2,
          details: ["window: 7d → 3d"],
          usedBy: ["service churn"],
          destructive: "its values change",
          serving: { kind: "backfill", why: "it lacks a column", code: "NEEDS_BACKFILL" },
          consequences: ["callers get other values"],
          owners: ["growth", "risk"],
        },
      ],
      runtime: [],
      lowered: [],
      reusedVersions: [],
      waiting: [],
      kept: [],
      materialized: [],
      metadata: [{ kind: "view", name: "weekly", details: ["owner: growth → risk"] }],
      work: [
        {
          source: "payments",
          rewrite: null,
          backfill: {
            rows: 1200,
            seconds: 90,
            secondsFrom: "typical",
            bytes: null,
            features: ["weekly.total"],
            services: ["churn"],
          },
        },
      ],
    };
    const { page } = await openWatched(browser, bank.address, { width: 1280 });
    await page.route("**/v1/plan", (route) => route.fulfill({ json: plan }));
    await page.goto(`${bank.address}#/changes`);
    for (const text of [
      "touches growth",
      "touches risk",
      "used by service churn",
      "window: 7d → 3d",
      "its values change",
      "backfill: it lacks a column",
      "backfill of payments: 1,200 changes, about 1.5 min",
      "metadata of view weekly: owner: growth → risk",
    ])
      await page.getByText(text).first().waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.context().close();
  });

  test("Skew says what the store says, and asks only when it is told to", async () => {
    const page = await opened("skew", "The target is 0");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.getByLabel("From (").fill("2025-06-01T00:00:00Z");
    await page.getByLabel("To (").fill("2025-06-12T00:00:00Z");
    expect(asked).not.toContain("/v1/skew");
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("0 wrong values, 0 bits").waitFor();
    const report = await bank.store.skew({
      from: "2025-06-01T00:00:00Z",
      to: "2025-06-12T00:00:00Z",
    });
    expect(report.compared).toBeGreaterThan(0);
    const features = await cellsOf(page.getByRole("region", { name: "Skew by feature" }));
    expect(features.map(([feature, compared]) => [feature, compared])).toEqual(
      report.features.map(({ feature, compared }) => [feature, String(compared)]),
    );
    await page.context().close();
  });

  test("each value that differs is a link to its explanation", async () => {
    const { page } = await openWatched(browser, bank.address, { width: 1280 });
    await page.route("**/v1/skew", async (route) => {
      const report = (await (await route.fetch()).json()) as SkewReport;
      const example: SkewReport["examples"][number] = {
        kind: "wrong",
        feature: "weekly_activity:total_amount_l1w",
        service: null,
        requestId: null,
        entity: { user_id: USER },
        asOf: "2025-06-09T12:00:00.000000Z",
        answeredAt: "2025-06-09T12:00:00.000000Z",
        logged: { value: "1.5", status: "PRESENT" },
        recomputed: { value: "1.25", status: "PRESENT" },
        bits: 1,
        change: null,
        explain: "",
      };
      await route.fulfill({
        json: { ...report, wrong: { values: 1, bits: 1 }, examples: [example] },
      });
    });
    await page.goto(`${bank.address}#/skew?check=1`);
    await page.getByText("1 wrong values, 1 bits").waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("link", { name: "Explain weekly_activity" }).click();
    await page.getByText("rows count").first().waitFor();
    expect(decodeURIComponent(page.url())).toContain(
      `key.user_id=${USER}&asOf=2025-06-09T12:00:00.000000Z&knowledge=as-known&from=history`,
    );
    await page.context().close();
  });

  test("Training sets show their progress, columns and errors, as the server says it", async () => {
    const page = await opened("training", "You have asked for no training set");
    const row = JSON.stringify({ user_id: USER, event_timestamp: "2025-06-09T12:00:00Z" });
    const url = `${new URL("..", bank.address).href}v1/training-set?features=weekly_activity`;
    const headers = { "content-type": "application/x-ndjson" };
    for (const body of [`${row}\n${row}`, '{"user_id":"x"}'])
      await (await fetch(url, { method: "POST", headers, body })).json();
    const sets = page.getByRole("region", { name: "Training sets", exact: true });
    await sets.getByText("2 of 2").waitFor();
    const [done] = await cellsOf(sets.locator("table"));
    expect(done!.slice(1, 5)).toEqual([
      "done",
      "2 of 2",
      "as-corrected",
      expect.stringMatching(/^7 columns/),
    ]);
    await page.getByRole("link", { name: "Null rates of" }).first().click();
    const rates = page.getByRole("region", { name: "Columns of training set" });
    await rates.getByText("num_vendors_l1w").waitFor();
    const { weekly } = bank.definitions;
    const asked = { user_id: USER, event_timestamp: "2025-06-09T12:00:00Z" };
    const answers = await bank.store.getHistoricalFeatures({
      features: weekly,
      entities: [asked, asked],
    });
    const rows = (await answers.rows()) as readonly Record<string, unknown>[];
    expect((await cellsOf(rates)).map(([column, , ...numbers]) => [column, ...numbers])).toEqual(
      Object.keys(rows[0]!).map((name) => {
        const isNull = rows[0]![name] === null;
        return [name, "2", isNull ? "2" : "0", isNull ? "100 %" : "0 %", isNull ? "0" : "1"];
      }),
    );
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      expect(await violationsOf(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: WIDTHS[0], height: 900 });
    const past = page.getByRole("region", { name: "Past training sets" });
    await page.reload();
    await past.getByText("TIME_INVALID").waitFor();
    expect((await cellsOf(past)).map(([, , outcome]) => outcome)).toEqual([
      "refused TIME_INVALID",
      "done ",
    ]);
    await page.context().close();
  });

  test("Sources shows the bytes of messages that could not be decoded", async () => {
    const bytes = (text: string, encoding: string, size: number) => ({ text, encoding, size });
    const original = {
      key: bytes("00000000ff", "hex", 5),
      value: bytes('{"no": "JSON', "utf-8", 12_000),
    };
    const [change] = await bank.store.changes("transactions", { limit: 1 });
    const undecodable = { ...change, row: null, message: null, undecodable: "NOT_JSON", original };
    const place = { topic: "t", partition: 0, offset: 7, committed: null };
    const row = { source: "transactions", key: {}, column: null, reason: "NOT_JSON", ...place };
    const { page, faults } = await openWatched(browser, bank.address, { width: 390 });
    await page.route(/v1\/changes\/transactions/, (route) =>
      route.fulfill({ json: { source: "transactions", changes: [undecodable] } }),
    );
    await page.route(/v1\/quarantine\/transactions/, (route) =>
      route.fulfill({ json: { source: "transactions", count: 1, rows: [{ ...row, original }] } }),
    );
    await page.goto(`${bank.address}#/sources/transactions`);
    for (const name of ["Newest changes", "Quarantined rows"]) {
      const table = page.getByRole("region", { name });
      await table.locator("summary").click();
      const text = await table.textContent();
      expect(text).toContain("Key, 5 bytes, in hexadecimal digits: 00000000ff");
      expect(text).toContain('Value, 12.0 kB: {"no": "JSON');
    }
    expect(await violationsOf(page)).toEqual([]);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test("a running training set has a progress bar", async () => {
    const { page } = await openWatched(browser, bank.address, { width: 390 });
    const job = { id: "a", state: "running", rows: 400, done: 100, features: ["num"] };
    const more = { knowledge: "as-known", created: new Date().toISOString(), expires: null };
    await page.route("**/v1/training-set", (route) =>
      route.fulfill({ json: { trainingSets: [{ ...job, ...more, warnings: [], error: null }] } }),
    );
    await page.goto(`${bank.address}#/training`);
    const bar = page.getByRole("progressbar", { name: "Progress of a" });
    await bar.waitFor();
    expect(await bar.evaluate((one) => (one as HTMLProgressElement).position)).toBe(0.25);
    expect(await violationsOf(page)).toEqual([]);
    await page.context().close();
  });

  test("a feature stands beside other days, a file and a training set", async () => {
    const { weekly } = bank.definitions;
    const name = "total_amount_l1w";
    const days = Array.from({ length: 3 }, (_, i) => `2025-06-0${i + 6}T12:00:00Z`);
    const body = days
      .map((event_timestamp) => JSON.stringify({ user_id: USER, event_timestamp }))
      .join("\n");
    const address = new URL("..", bank.address).href;
    await fetch(`${address}v1/training-set?features=weekly_activity:${name}&wait=1ms`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    const { page, faults } = await openWatched(browser, bank.address, { width: 1280 });
    await page.goto(`${bank.address}#/feature/weekly_activity/${name}`);
    const distances = page.getByRole("region", { name: "Distances" });
    await distances.waitFor();
    const drift = (options: object) =>
      bank.store.drift({
        view: weekly,
        columns: [name],
        profiles: true,
        record: false,
        ...options,
      } as never);
    const before = await bank.store.driftHistory({ view: weekly, columns: [name] });
    /** The page shows the distances, the statistics and the bins of this comparison. */
    const shows = async (options: object): Promise<void> => {
      const report = await drift(options);
      await page.getByText(`beside ${report.reference}.`).waitFor();
      const [column] = report.columns;
      const shown = new Map(
        (await rowTexts(distances)).map(([title, value]) => [title!, value!] as const),
      );
      for (const [title, value] of [
        ["PSI", column!.psi],
        ["KS", column!.ks],
        ["Jensen–Shannon", column!.jensenShannon],
        ["Wasserstein", column!.wasserstein],
      ] as const)
        expect(Number(shown.get(title)!.replaceAll(",", ""))).toBeCloseTo(
          Number(value!.toPrecision(4)),
          9,
        );
      const { current, reference, histogram } = column!.profiles!;
      const statistics = await rowTexts(page.getByRole("region", { name: "Statistics" }));
      expect(statistics[0]).toEqual(["Rows", String(current.rows), String(reference.rows)]);
      const bins = await rowTexts(page.getByRole("region", { name: "Values of both sides" }));
      const share = (count: number, rows: number): string =>
        `${Number(((100 * count) / rows).toPrecision(4))} %`;
      expect(bins.map((cells) => cells.slice(2))).toEqual(
        histogram!.current.map((count, i) => [
          share(count, current.rows),
          share(histogram!.reference[i]!, reference.rows),
        ]),
      );
    };
    // five days are materialized
    await shows({ from: "2025-06-08", reference: { from: "2025-06-06", to: "2025-06-08" } });
    const menu = page.getByLabel("Compared with");
    await menu.selectOption("days");
    await page.getByLabel("Day after the last").fill("2025-06-07");
    await page.getByRole("button", { name: "Compare" }).click();
    await shows({ reference: { from: "2025-06-05", to: "2025-06-07" } });
    const fixed = await bank.store.profile({ view: weekly, to: "2025-06-07" });
    await menu.selectOption("file");
    const file = { name: "train.json", mimeType: "application/json" };
    const input = page.getByLabel("File of tidemark profile --out");
    await input.setInputFiles({ ...file, buffer: Buffer.from("{}") });
    await page.getByText("This file is no profile that has").waitFor();
    const buffer = Buffer.from(JSON.stringify(fixed.reference()));
    await input.setInputFiles({ ...file, buffer });
    await shows({ reference: { profile: fixed.reference() } });
    const chosen = menu.getByRole("option", { name: "3 rows" });
    await menu.selectOption({ value: (await chosen.getAttribute("value"))! });
    await page.getByText("beside training set").waitFor();
    const statistics = page.getByRole("region", { name: "Statistics" });
    expect((await rowTexts(statistics))[0]!.at(-1)).toBe("3");
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      expect(await violationsOf(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    }
    await menu.selectOption("none");
    await page.getByRole("region", { name: "Values", exact: true }).waitFor();
    expect(faults).toEqual([]);
    // a look leaves no result
    expect(await bank.store.driftHistory({ view: weekly, columns: [name] })).toEqual(before);
    await page.context().close();
  });

  test("Materialized views have their rows, and the null rate of each column", async () => {
    const page = await opened("training", "weekly_activity");
    const views = page.getByRole("region", { name: "Materialized views" });
    await views.getByText("this one").waitFor();
    const { history } = await bank.store.storage({ tables: ["weekly_activity/features"] });
    const [view] = await cellsOf(views);
    expect(view!.slice(0, 2)).toEqual([
      "weekly_activity",
      history!.tables![0]!.rows.toLocaleString("en"),
    ]);
    await page.getByRole("link", { name: "Null rates of weekly_activity" }).click();
    const rates = page.getByRole("region", { name: "Columns of weekly_activity" });
    await rates.getByText("num_vendors_l1w").waitFor();
    const { all } = await bank.store.profile({ view: "weekly_activity" });
    expect((await cellsOf(rates)).map(([column, , , nulls]) => [column, nulls])).toEqual(
      all.columns.map(({ column, nulls }) => [column, String(nulls)]),
    );
    await page.context().close();
  });
});
