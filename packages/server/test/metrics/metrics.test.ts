/** Tests the counters and gauges of `/metrics`. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as delta from "@tidemark/delta";
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

/** The names and types of all metrics of a server that has answered a request. */
async function metricTypes(): Promise<{
  readonly text: string;
  readonly types: Map<string, string>;
}> {
  const server = await shopServer({ trainingSets: { parquet: delta } });
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
    if (!/^(tidemark|process|nodejs)_/.test(name)) refuse("without a prefix");
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
  const own = [...types].filter(([name]) => name.startsWith("tidemark_"));
  expect(listed.toSorted()).toEqual(own.map(([name, type]) => `${name} ${type}`).toSorted());
  const named = [...page("operating.md").matchAll(/`((?:tidemark|quarantined)_\w+)`/g)].map(
    ([, name]) => name!,
  );
  expect(named.filter((name) => !types.has(name))).toEqual([]);
  for (const [name] of own) expect(named, `operating.md names ${name}`).toContain(name);
});
