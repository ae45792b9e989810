/** Tests the counters and gauges of `/metrics`. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { selectedFeatures, type CheckResults } from "@tidemark/core";
import * as delta from "@tidemark/delta";
import { date, everything, NOON } from "../../../core/test/support/shop.ts";
import { shopServer } from "../support/shop-server.ts";

const GET = "/get-online-features";
const ANN = { features: ["weekly:payments_l1w"], entities: { user_id: ["ann"] } };

test("/metrics counts requests by route and status, entities, quarantined rows", async () => {
  const server = await shopServer({ trainingSets: { parquet: delta } });
  for (let i = 0; i < 3; i++)
    await server.app.inject({
      method: "POST",
      url: GET,
      payload: { ...ANN, entities: { user_id: ["ann", "bob"] } },
    });
  await server.app.inject({
    method: "POST",
    url: GET,
    payload: { features: ["weekly:nothing"], entities: { user_id: ["ann"] } },
  });
  const { body, headers } = await server.app.inject({ method: "GET", url: "/metrics" });
  expect(headers["content-type"]).toContain("text/plain");
  expect(body).toContain(`tidemark_http_requests_total{route="${GET}",status="200"} 3`);
  expect(body).toMatch(
    new RegExp(`tidemark_http_requests_total\\{route="${GET}",status="4\\d\\d"\\} 1`),
  );
  expect(body).toMatch(new RegExp(`tidemark_http_entities_total\\{route="${GET}"\\} [67]\n`));
  expect(body).toMatch(/tidemark_quarantined_changes_total\{[^}]*source="payments"[^}]*\} 0/);
  expect(body).toMatch(/tidemark_quarantined_rows\{[^}]*source="payments"[^}]*\} 0/);
  await server.close();
});

test("/metrics counts values by feature and status, services, cache hits and rows", async () => {
  const server = await shopServer();
  const ask = async (users: readonly string[]): Promise<void> => {
    const { statusCode } = await server.app.inject({
      method: "POST",
      url: "/v1/services/everything/features",
      payload: { entities: users.map((user_id) => ({ user_id })) },
    });
    expect(statusCode).toBe(200);
  };
  await ask(["ann", "bob"]);
  await ask(["ann"]);
  await ask(["nobody"]);
  // clients name the features of a service one by one
  const names = selectedFeatures(everything, "test").map(
    ({ view, feature }) => `${view.name}:${feature.name}`,
  );
  const payload = { features: names, entities: [{ user_id: "ann" }] };
  expect(
    (await server.app.inject({ method: "POST", url: "/v1/features", payload })).statusCode,
  ).toBe(200);
  const feast = { features: names, entities: { user_id: ["ann"] } };
  await server.app.inject({ method: "POST", url: GET, payload: feast });
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  const answers = 'tidemark_feature_answers_total{view="weekly",feature="payments_l1w",status=';
  expect(body).toContain(`${answers}"PRESENT"} 5\n`);
  expect(body).toContain(`${answers}"NOT_FOUND"} 1\n`);
  expect(body).toContain(
    'tidemark_service_request_duration_seconds_count{service="everything"} 5\n',
  );
  // ann was asked twice at one moment, so the second answer of the view is the cached one
  const [hits, misses] = ["hits", "misses"].map((of) =>
    Number(new RegExp(`^tidemark_answer_cache_${of}_total (\\d+)$`, "m").exec(body)![1]),
  );
  expect(hits).toBeGreaterThan(0);
  expect(misses).toBeGreaterThan(0);
  expect(body).toContain('tidemark_entity_rows_max{view="weekly"} 2\n');
  expect(body).toMatch(/tidemark_entity_rows_bucket\{le="1",view="weekly"\} 2\n/);
  expect(body).toMatch(/^tidemark_build_info\{version="\d+\.\d+\.\d+.*"\} 1$/m);
  expect(body).toMatch(/^tidemark_process_cpu_seconds_total \d/m);
  await server.close();
});

test("/metrics tells rows by outcome, times and readiness of each source", async () => {
  const server = await shopServer();
  const login = { device: null, score: null, fee: null, extra: null, raw: null };
  const rows = ["1", "2"].map((id) => ({ id, user_id: "ann", time: date(NOON), ...login }));
  const push = { method: "POST", url: "/v1/push/logins", payload: { rows } } as const;
  expect((await server.app.inject(push)).statusCode).toBe(200);
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  expect(body).toContain('tidemark_source_rows_total{source="logins",outcome="applied"} 2\n');
  expect(body).toContain('tidemark_source_rows_total{source="payments",outcome="applied"} 3\n');
  expect(body).toContain('tidemark_source_rows_total{source="payments",outcome="quarantined"} 0\n');
  expect(body).toContain('tidemark_source_rows_total{source="payments",outcome="undecodable"} 0\n');
  expect(body).toContain('tidemark_source_rows_total{source="",outcome="skipped"} 0\n');
  expect(body).toContain(
    `tidemark_source_last_event_timestamp_seconds{source="payments"} ${NOON / 1e6 - 3600}\n`,
  );
  expect(body).toMatch(
    /tidemark_partition_lag_messages\{source="payments",partition="[^"]+"\} 0\n/,
  );
  expect(body).toContain('tidemark_backfill_in_progress{source="payments"} 0\n');
  expect(body).toContain("tidemark_ready 1\n");
  await server.close();
});

test("/metrics tells what the last checks of drift and expectations found", async () => {
  const server = await shopServer();
  const at = "2026-01-05T12:00:00.000000Z";
  const of = "source payments";
  const checked = { on: of, severity: "error", measured: 1, checkedAt: at } as const;
  const measures = { psi: 0.25, jensenShannon: 0.125 };
  const results: CheckResults = {
    drift: [
      { of, column: "amount", measuredAt: at, measures, isDrifted: true },
      { of, column: "vendor", measuredAt: at, measures: {}, isDrifted: false },
    ],
    expectations: [
      { ...checked, quality: "rows", expectation: "positive", holds: false, failing: 3 },
      { ...checked, quality: "rows", expectation: "unique", holds: true, failing: 0 },
    ],
  };
  Object.assign(server.store, { checkResults: async () => results });
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  await server.close();
  for (const line of [
    `tidemark_drift_distance{of="${of}",column="amount",measure="psi"} 0.25`,
    `tidemark_drift_distance{of="${of}",column="amount",measure="jensen_shannon"} 0.125`,
    `tidemark_drift_exceeded{of="${of}",column="amount"} 1`,
    `tidemark_drift_exceeded{of="${of}",column="vendor"} 0`,
    `tidemark_drift_measured_timestamp_seconds{of="${of}"} ${NOON / 1e6}`,
    'tidemark_expectation_holds{quality="rows",expectation="positive",severity="error"} 0',
    'tidemark_expectation_holds{quality="rows",expectation="unique",severity="error"} 1',
    'tidemark_expectation_failing_rows{quality="rows",expectation="positive"} 3',
  ])
    expect(body).toContain(`${line}\n`);
});

/** The names and types of all metrics of a server that has answered a request. */
async function metricTypes(): Promise<{
  readonly text: string;
  readonly types: Map<string, string>;
}> {
  const server = await shopServer({ trainingSets: { parquet: delta } }, undefined, {});
  await server.app.inject({ method: "POST", url: GET, payload: ANN });
  const { body } = await server.app.inject({ method: "GET", url: "/metrics" });
  await server.close();
  const types = [...body.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(
    ([, name, type]) => [name!, type!] as const,
  );
  return { text: body, types: new Map(types) };
}

const OTHER_UNITS = new RegExp(
  "_(milliseconds|microseconds|ms|minutes|hours|days|kilobytes|megabytes|bits|percent)(_|$)",
);

// the rules of promlint, which `promtool check metrics` runs
test("promtool's rules hold for every metric: names, units, help", async () => {
  const { text, types } = await metricTypes();
  const problems: string[] = [];
  for (const [name, type] of types) {
    const refuse = (why: string): unknown => problems.push(`${name} (${type}): ${why}`);
    const help = new RegExp(`^# HELP ${name} (.+)$`, "m").exec(text)?.[1];
    if (help === undefined) refuse("no help");
    if (!/^[a-z][a-z0-9_]*$/.test(name)) refuse("not snake_case");
    if (name.endsWith("_total") !== (type === "counter")) refuse("_total is for counters");
    if (/_(count|sum|bucket)$/.test(name)) refuse("a suffix of histograms and summaries");
    if (/_(counter|gauge|histogram|summary)(_|$)/.test(name)) refuse("the type is in the name");
    if (OTHER_UNITS.test(name)) refuse("not a base unit");
    if (!name.startsWith("tidemark_")) refuse("without a prefix");
  }
  expect(problems).toEqual([]);
  for (const [, label] of text.matchAll(/[{,]([A-Za-z_]\w*)="/g))
    expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
});

test("docs/serving.md lists every metric with its type, docs/operating.md names it", async () => {
  const { types } = await metricTypes();
  const page = (name: string): string =>
    readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), "utf8");
  const listed = [...page("serving.md").matchAll(/^\| `(tidemark_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const own = [...types].filter(([name]) => !/^tidemark_(process|nodejs)_/.test(name));
  expect(listed.toSorted()).toEqual(own.map(([name, type]) => `${name} ${type}`).toSorted());
  const named = [...page("operating.md").matchAll(/`((?:tidemark|quarantined)_\w+)`/g)].map(
    ([, name]) => name!,
  );
  expect(named.filter((name) => !types.has(name))).toEqual([]);
  for (const [name] of own) expect(named, `operating.md names ${name}`).toContain(name);
});
