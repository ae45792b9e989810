/**
 * `tidemark replay` of a large topic: 17,000 enveloped messages with their schemas (66 MB) and
 * 3,000 requests, each path for itself and both. The target is both paths in 20 s on two cores and
 * 512 MiB. The last line is JSON.
 *
 *     node --conditions=@tidemark/source packages/cli/bench/replay.ts [messages] [requests] [seed] [users]
 */
import { formatTime } from "@tidemark/core/spi";
import { Random } from "@tidemark/testkit";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [messages = 17_000, requests = 3_000, seed = 1, users = 500] = process.argv
  .slice(2)
  .map(Number);
const packages = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const random = new Random(seed);
const HOUR = 3_600_000_000;
const start = 1_740_787_200_000_000;
const step = 30_000_000;

interface Row {
  readonly id: number;
  readonly user: string;
  readonly vendor: string | null;
  readonly source: string;
  readonly time: number;
  readonly amount: number | null;
}

/** A recorded message, with its schemas. */
const recorded = readFileSync(
  join(packages, "source-debezium", "test", "fixtures", "enveloped.public.transaction_data.jsonl"),
  "utf8",
).split("\n")[0]!;
const template = JSON.parse(recorded) as { key: string; value: string; topic: string };
const schemas = {
  key: (JSON.parse(template.key) as { schema: unknown }).schema,
  value: (JSON.parse(template.value) as { schema: unknown }).schema,
};

function rowJson({ id, user, vendor, source, time, amount }: Row): object {
  return {
    id: id,
    "User ID": user,
    "Transaction ID": `tx-${id}`,
    Vendor: vendor,
    Sources: source,
    Time: formatTime(time).slice(0, 26).replace("T", " "),
    Amount: amount,
  };
}

/** The key of a deleted row, as REPLICA IDENTITY DEFAULT has it. */
function keyOnly(id: number): object {
  return {
    id: id,
    "User ID": null,
    "Transaction ID": null,
    Vendor: null,
    Sources: null,
    Time: null,
    Amount: null,
  };
}

function line(offset: number, op: "c" | "u" | "d", row: Row, committed: number): string {
  const clock = { ts_ms: Math.floor(committed / 1000), ts_us: committed, ts_ns: committed * 1000 };
  const origin = {
    version: "3.6.1.Final",
    connector: "postgresql",
    name: "enveloped",
    snapshot: "false",
    db: "bank",
    sequence: `["${26_000_000 + offset * 100}","${26_000_100 + offset * 100}"]`,
    schema: "public",
    table: "transaction_data",
    txId: 700 + offset,
    lsn: 26_000_100 + offset * 100,
    xmin: null,
    origin: null,
    origin_lsn: null,
    ...clock,
  };
  const payload = {
    before: op === "d" ? keyOnly(row.id) : null,
    after: op === "d" ? null : rowJson(row),
    source: origin,
    transaction: null,
    op,
    ...clock,
  };
  return JSON.stringify({
    topic: template.topic,
    partition: 0,
    offset: String(offset),
    timestamp: String(clock.ts_ms + 300),
    key: JSON.stringify({ schema: schemas.key, payload: { id: row.id } }),
    value: JSON.stringify({ schema: schemas.value, payload }),
    headers: { "__debezium.context.connectorName": "postgresql" },
  });
}

const vendors = [
  "Online Shopping",
  "Hospital",
  "Sport",
  "Grocery",
  "Restaurant",
  "Transportation",
  "Sending Out",
  null,
];
const sources = ["Current Account", "Credit Card", "Debit Card"];

function newRow(id: number, now: number): Row {
  const late = random.chance(0.05) ? random.int(HOUR) : 0;
  return {
    id,
    user: `user_${String(random.int(users)).padStart(6, "0")}`,
    vendor: random.pick(vendors),
    source: random.pick(sources),
    time: now - late - random.int(1_000_000),
    amount: random.chance(0.02) ? null : Math.round(random.fraction() * 100_000) / 100,
  };
}

const topic = join(directory, "topic.jsonl");
const file = openSync(topic, "w");
const live: Row[] = [];
for (let offset = 0; offset < messages; offset++) {
  const now = start + offset * step;
  const what =
    live.length === 0
      ? "c"
      : random.pick(["c", "c", "c", "c", "c", "c", "c", "u", "u", "d"] as const);
  const place = random.int(Math.max(live.length, 1));
  let row = what === "c" ? newRow(offset + 1, now) : live[place]!;
  if (what === "u")
    row = live[place] = { ...row, amount: Math.round(random.fraction() * 100_000) / 100 };
  if (what === "c") live.push(row);
  if (what === "d") live.splice(place, 1);
  writeSync(file, `${line(offset, what, row, now)}\n`);
}
closeSync(file);
writeFileSync(
  join(directory, "requests.jsonl"),
  Array.from(
    { length: requests },
    () =>
      `${JSON.stringify({ user_id: `user_${String(random.int(users)).padStart(6, "0")}`, event_timestamp: formatTime(start + random.int(messages * step)) })}\n`,
  ).join(""),
);
writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
mkdirSync(join(directory, "node_modules", "@tidemark"), { recursive: true });
symlinkSync(join(packages, "core"), join(directory, "node_modules", "@tidemark", "core"));
writeFileSync(
  join(directory, "features.ts"),
  `
import { avg, count, countDistinct, entity, featureService, featureView, float64, int64, max, min, source, string, sum, timestamp } from "@tidemark/core";
export const user = entity("user", { keys: { user_id: string() } });
export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: { id: int64("id"), user_id: string("User ID"), vendor: string("Vendor").nullable(), channel: string("Sources").nullable(), amount: float64("Amount").nullable(), time: timestamp("Time", { zone: "UTC" }) },
  primaryKey: ["id"],
  eventTime: "time",
});
export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    num_transactions_l1w: count().over("7d"), total_amount_l1w: sum(transactions.amount).over("7d"), avg_amount_l1w: avg(transactions.amount).over("7d"),
    min_amount_l1w: min(transactions.amount).over("7d"), max_amount_l1w: max(transactions.amount).over("7d"),
    num_vendors_l1w: countDistinct(transactions.vendor).over("7d"), num_sources_l1w: countDistinct(transactions.channel).over("7d"),
  },
});
export const fraud = featureService("fraud_v1", [weekly]);
`,
);

console.log(
  `${messages} messages, ${(statSync(topic).size / 1e6).toFixed(1)} MB, ${requests} requests, ` +
    `seed ${seed}`,
);
const usage = join(directory, "usage.json");
const report = `data:text/javascript,${encodeURIComponent(`import { writeFileSync } from "node:fs"; process.on("exit", () => ` + `writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.resourceUsage())));`)}`;
const results: Record<
  string,
  { readonly seconds: number; readonly cpuSeconds: number; readonly mebibytes: number }
> = {};
for (const path of ["online", "offline", "both"]) {
  const started = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      "--conditions=@tidemark/source",
      `--import=${report}`,
      ...process.execArgv.filter((arg) => arg.startsWith("--cpu-prof")),
      join(packages, "cli", "src", "bin.ts"),
      "replay",
      "--definitions",
      "features.ts",
      "--topic",
      topic,
      "--service",
      "fraud_v1",
      "--requests",
      "requests.jsonl",
      "--path",
      path,
      "--out",
      `${path}.jsonl`,
    ],
    { cwd: directory, encoding: "utf8" },
  );
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(stderr);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(
    readFileSync(usage, "utf8"),
  ) as NodeJS.ResourceUsage;
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
  results[path] = {
    seconds: Number(seconds.toFixed(2)),
    cpuSeconds: Number(cpuSeconds.toFixed(2)),
    mebibytes: Math.round(maxRSS / 1024),
  };
  console.log(
    `${path.padEnd(8)} ${seconds.toFixed(2)} s (processor ${cpuSeconds.toFixed(2)} s), ` +
      `${Math.round(maxRSS / 1024)} MiB: ${stderr.trim()}`,
  );
}
if (process.env["TIDEMARK_KEEP"] === undefined) rmSync(directory, { recursive: true, force: true });
else console.log(directory);
console.log(
  JSON.stringify({
    bench: "replay",
    messages,
    requests,
    seed,
    users,
    target: { seconds: 20, mebibytes: 512 },
    ...results,
  }),
);
