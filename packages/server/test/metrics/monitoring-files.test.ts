/** The dashboard and the alert rules of docker/monitoring name metrics that exist. */
import { readFileSync } from "node:fs";
import { openStore } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import * as delta from "@tidemark/delta";
import { metricsServer } from "@tidemark/server";
import { beforeAll, expect, test } from "vitest";
import { definitions, NOON } from "../../../core/test/support/shop.ts";
import { shopServer } from "../support/shop-server.ts";

const file = (name: string): string =>
  readFileSync(new URL(`../../../../${name}`, import.meta.url), "utf8");
const rules = file("docker/monitoring/tidemark.rules.yml");
const ruleTests = file("docker/monitoring/tidemark.rules.test.yml");
const dashboard = JSON.parse(file("docker/monitoring/grafana/dashboards/tidemark.json")) as {
  readonly panels: readonly {
    readonly title: string;
    readonly type: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};

/** The series that the real server and the server of a run show, with the names of their labels. */
let series: Map<string, Set<string>>;
beforeAll(async () => {
  const server = await shopServer({ trainingSets: { parquet: delta } });
  await server.app.inject({
    method: "POST",
    url: "/v1/services/everything/features",
    payload: { entities: [{ user_id: "ann" }] },
  });
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  const runs = () => [{ name: "bank", changes: 5, total: 9, lastChangeAt: NOON / 1000 }];
  const store = await openStore({
    definitions,
    online: memoryOnlineStore(),
    offline: memoryOfflineStore(),
    servingLog: {},
  });
  const runner = await metricsServer({ store, runs, port: 0 });
  const runText = await (await fetch(`${runner.address}/metrics`)).text();
  await runner.close();
  await store.close();
  await server.close();
  series = new Map();
  for (const line of `${body}\n${runText}`.split("\n")) {
    const [, type] = /^# TYPE (\S+) /.exec(line) ?? [];
    if (type !== undefined && !series.has(type)) series.set(type, new Set());
    const [, name, labels = ""] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = series.get(name) ?? new Set();
    series.set(name, known);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
  }
});

/** The metrics of an expression that neither Tidemark, the rules nor the exporter have. */
function unknownMetrics(expr: string): string[] {
  const recorded = new Set([...rules.matchAll(/record: (\S+)/g)].map(([, name]) => name!));
  return [...expr.matchAll(/\b(?:tidemark|process|nodejs)[a-z0-9_:]*(?=[{[\s)]|$)/g)]
    .map(([name]) => name)
    .filter((name) => !series.has(name) && !recorded.has(name));
}

test("each query of the dashboard is of metrics that exist", () => {
  const graphs = dashboard.panels.filter(({ type }) => type !== "row");
  expect(graphs.length).toBeGreaterThan(25);
  for (const { title, targets } of graphs) {
    expect(targets!.length, title).toBeGreaterThan(0);
    for (const { expr } of targets!) {
      expect(expr, title).toMatch(/tidemark/);
      expect(unknownMetrics(expr), title).toEqual([]);
    }
  }
  expect(unknownMetrics("rate(tidemark_no_such_total[5m])")).toEqual(["tidemark_no_such_total"]);
});

test("each rule is of metrics that exist, with a summary, a next step and a page", () => {
  const alerts = rules.split(/^ {6}- alert: /m).slice(1);
  expect(alerts.length).toBeGreaterThan(20);
  const names = new Set<string>();
  for (const alert of alerts) {
    const name = /^\w+/.exec(alert)![0];
    names.add(name);
    expect(unknownMetrics(/expr: ([^]*?)\n {8}(?:for|labels):/.exec(alert)![1]!), name).toEqual([]);
    expect(alert, name).toMatch(/severity: (critical|warning|info) \}/);
    expect(alert, name).toMatch(/summary: ".{10,}"/);
    expect(alert, name).toMatch(/description: ".{20,}"/);
    const [, page, anchor] = /runbook_url: \S+\/tidemark\/([\w-]+)#([\w-]+)\n/.exec(alert)!;
    const anchors = [...file(`docs/${page}.md`).matchAll(/^##+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    expect(anchors, name).toContain(anchor);
  }
  // each alert has a test in which it fires alone, and the healthy test in which nothing fires
  const tested = [...ruleTests.matchAll(/alertname="(\w+)"/g)].map(([, name]) => name!);
  expect(new Set(tested)).toEqual(names);
  expect(ruleTests).toContain("exp_samples: []");
});

test("docs/monitoring.md lists every alert and every metric of a run", () => {
  const page = file("docs/monitoring.md");
  for (const [, name] of rules.matchAll(/alert: (\w+)/g)) expect(page).toContain(`\`${name}\``);
  const ofRuns = [...series.keys()].filter((name) => name.startsWith("tidemark_run_"));
  expect(ofRuns.length).toBe(3);
  for (const name of ofRuns) expect(page).toContain(`| \`${name}\` |`);
});

test("labels by which the rules aggregate exist", () => {
  for (const [metric, label] of [
    ["tidemark_source_lag_seconds", "source"],
    ["tidemark_source_offset", "partition"],
    ["tidemark_feature_answers_total", "feature"],
    ["tidemark_source_rows_total", "outcome"],
    ["tidemark_entity_rows_max", "view"],
  ])
    expect(series.get(metric!), metric).toContain(label);
});
