import { shopServer } from "../support/shop-server.ts";
import { clusterMetrics } from "@tidemark/server";
import { expect, test } from "vitest";
import { Histogram, Registry } from "prom-client";
import {
  BUCKET_BOUNDS,
  countAnswer,
  durationValues,
  routeCounts,
} from "../../src/metrics/route-counts.ts";

test("the histogram equals prom-client's, also for durations at a bound", async () => {
  const registry = new Registry();
  const theirs = new Histogram({
    name: "h",
    help: "h",
    labelNames: ["route"],
    buckets: [...BUCKET_BOUNDS],
    registers: [registry],
  });
  const ours = routeCounts();
  const times = [
    0,
    ...BUCKET_BOUNDS,
    ...BUCKET_BOUNDS.map((bound) => bound * 1.0000001),
    0.0007,
    3,
    100,
  ];
  for (const time of times) {
    theirs.observe({ route: "/a" }, time);
    countAnswer(ours, 200, time, 1);
  }
  const sorted = (
    values: readonly {
      readonly metricName?: string | undefined;
      readonly labels: object;
      readonly value: number;
    }[],
  ): string[] =>
    values
      .map(
        ({ metricName, labels, value }) =>
          `${metricName} ${JSON.stringify(Object.entries(labels).toSorted())} ${value}`,
      )
      .toSorted();
  expect(sorted(durationValues("h", "route", new Map([["/a", ours]])))).toEqual(
    sorted((await theirs.get()).values),
  );
});

test("clusterMetrics adds the counters and histograms of two processes", async () => {
  const servers = [await shopServer(), await shopServer()];
  for (const [i, server] of servers.entries()) {
    for (let n = 0; n <= i; n++)
      await server.app.inject({
        method: "POST",
        url: "/get-online-features",
        payload: { features: ["weekly:mean_l1w"], entities: { user_id: ["ann", "bob"] } },
      });
  }
  const text = await clusterMetrics(await Promise.all(servers.map((server) => server.counters())));
  expect(text).toContain(
    'tidemark_http_requests_total{route="/get-online-features",status="200"} 3\n',
  );
  expect(text).toContain('tidemark_http_entities_total{route="/get-online-features"} 6\n');
  expect(text).toContain("# TYPE tidemark_http_request_duration_seconds histogram");
  expect(text).toMatch(
    /tidemark_http_request_duration_seconds_bucket\{le="\+Inf",route="\/get-online-features"\} 3\n/,
  );
  expect(text).toMatch(
    /tidemark_http_request_duration_seconds_count\{route="\/get-online-features"\} 3\n/,
  );
  const answers = 'tidemark_feature_answers_total{view="weekly",feature="mean_l1w"';
  expect(text).toContain(`${answers},status="PRESENT"} 3\n`);
  // what is the same in every process, or the most of one, is not added
  expect(text).toMatch(/^tidemark_build_info\{version="[^"]+"\} 1$/m);
  expect(text).toContain('tidemark_entity_rows_max{view="weekly"} 2\n');
  for (const server of servers) await server.close();
});
