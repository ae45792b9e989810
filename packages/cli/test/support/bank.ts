/** A small project over the recorded bank, and what PostgreSQL held when the recording ended. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Project } from "./project.ts";

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../source-debezium/test/fixtures/${name}`, import.meta.url));

export const definitions = `
import {
  avg, count, countDistinct, entity, featureService, featureView, float64, int64, max, min, source,
  string, sum, timestamp,
} from "@tidemark/core";

export const user = entity("user", { keys: { user_id: string() } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"), user_id: string("User ID"),
    vendor: string("Vendor").nullable(), channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(), time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    number: count().over("7d"), total: sum(transactions.amount).over("7d"),
    ids: sum(transactions.id).over("7d"), last: max(transactions.time).over("7d"),
    vendors: countDistinct(transactions.vendor).over("7d"),
    first: min(transactions.vendor).over("7d"), mean: avg(transactions.amount).over("7d"),
  },
});

export const fraud = featureService("fraud_v1", [weekly]);
`;

/** features.ts, topic.jsonl and requests.jsonl of the recording `multi`. */
export function bankProject(): Project {
  const project = new Project();
  project.write("features.ts", definitions);
  project.write("topic.jsonl", readFileSync(fixture("multi.public.transaction_data.jsonl")));
  project.write(
    "requests.jsonl",
    '{"user_id": "user_000006", "event_timestamp": "2025-03-05T00:00:00Z"}\n',
  );
  return project;
}

/** The rows of a table when the recording ended, by column. */
export function finalRows(name: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(fixture(name), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  return lines.map((fields) => Object.fromEntries(head!.map((column, i) => [column, fields[i]!])));
}
