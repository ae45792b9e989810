/** A real Prometheus and a real Alertmanager run on the files of docker/monitoring. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, type Store } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { prometheusPrograms, suiteNeeding } from "@tidemark/testkit/needs";
import {
  monitoringPrograms,
  startAlertmanager,
  startPrometheus,
  type MonitoringService,
} from "@tidemark/testkit/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { definitions, ShopLog } from "../../../core/test/support/shop.ts";

const files = fileURLToPath(new URL("../../../../docker/monitoring", import.meta.url));
const TOKEN = "the-token-of-prometheus";

suiteNeeding(prometheusPrograms(), "docker/monitoring", () => {
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(monitoringPrograms()!.promtool, args, {
      encoding: "utf8",
      cwd: files,
    });
    return `${status} ${stdout}${stderr}`;
  };

  test("promtool tests each rule: firing, and not firing", () => {
    expect(run("check", "rules", "--lint-fatal", "tidemark.rules.yml")).toMatch(/^0 /);
    expect(run("test", "rules", "tidemark.rules.test.yml")).toMatch(/^0 [^]*SUCCESS/);
  });

  let folder: string;
  const log = new ShopLog().paid({ id: 1 }).paid({ id: 2 });
  let store: Store;
  let server: FeatureServer;
  let address: string;
  let alertmanager: MonitoringService;
  let prometheus: MonitoringService;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidemark-monitoring-"));
    cpSync(files, folder, { recursive: true });
    store = await openStore({
      definitions,
      online: { store: memoryOnlineStore(), retention: "forever" },
      offline: memoryOfflineStore(),
    });
    await store.run(log.source());
    server = await featureServer({
      store,
      definitions,
      tokens: [{ name: "all", scopes: ["read", "push", "operate"], token: TOKEN }],
    });
    address = await server.listen({ port: 0 });
    alertmanager = await startAlertmanager(join(folder, "alertmanager.yml"));
    // the addresses of the containers become those of this test, and a minute becomes a second
    const token = join(folder, "token");
    writeFileSync(token, TOKEN);
    const configuration = join(folder, "prometheus.yml");
    writeFileSync(
      configuration,
      readFileSync(configuration, "utf8")
        .replaceAll("15s", "1s")
        .replace("/tmp/tidemark-token", token)
        .replace("alertmanager:9093", new URL(alertmanager.url).host)
        .replace(/"host\.docker\.internal:6570", "[^"]+"/, `"${new URL(address).host}"`),
    );
    expect(run("check", "config", configuration)).toMatch(/^0 /);
    prometheus = await startPrometheus(configuration);
  }, 90_000);
  afterAll(async () => {
    await prometheus?.stop();
    await alertmanager?.stop();
    await server?.close();
    await store?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Series {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }
  async function series(expr: string): Promise<readonly Series[]> {
    const url = `${prometheus.url}/api/v1/query?query=${encodeURIComponent(expr)}`;
    const { data } = (await (await fetch(url)).json()) as { data: { result: Series[] } };
    return data.result;
  }
  /** The values of an expression, by the labels of its series. */
  const query = async (expr: string): Promise<number[]> =>
    (await series(expr)).map(({ value }) => Number(value[1]));
  const firing = async (): Promise<unknown[]> =>
    (await series('ALERTS{alertstate="firing",job="tidemark"}')).map(({ metric }) => metric);

  test("Prometheus scrapes the server with its token", async () => {
    const wait = { timeout: 30_000, interval: 250 };
    await expect.poll(() => query('up{job="tidemark"}'), wait).toEqual([1]);
    await expect.poll(() => query("tidemark_ready"), wait).toEqual([1]);
    // On a slow machine the first scrapes may run into their limit of a second.
    await expect.poll(firing, wait).toEqual([]);
  });

  test("a quarantined row becomes an alert in Alertmanager, with its next step", async () => {
    await expect
      .poll(() => query('tidemark_quarantined_changes_total{source="payments"}'), {
        timeout: 30_000,
        interval: 250,
      })
      .toEqual([0]);
    await store.run(log.paid({ id: 3, user: null }).source());
    const alerts = async (): Promise<unknown> =>
      (await fetch(`${alertmanager.url}/api/v2/alerts`)).json();
    await expect
      .poll(alerts, { timeout: 40_000, interval: 500 })
      .toEqual([
        expect.objectContaining({
          labels: expect.objectContaining({
            alertname: "TidemarkQuarantineGrows",
            severity: "warning",
            source: "payments",
          }),
          annotations: expect.objectContaining({
            summary: "Rows of payments were quarantined in the last 15 minutes",
            description: expect.stringContaining("tidemark quarantine payments"),
          }),
        }),
      ]);
  });
});
