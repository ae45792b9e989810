/**
 * `tidemark replay` of a large topic: 17,000 enveloped messages with their schemas (66 MB) and
 * 3,000 requests, each path for itself and both. The target is both paths in 20 s on two cores and
 * 512 MiB. The last line is JSON.
 *
 *     node --conditions=@tidemark/source packages/cli/bench/replay.ts \
 *       [messages] [requests] [seed] [users]
 */
import { formatTime } from "@tidemark/core/spi";
import { Random } from "@tidemark/testkit";
import {
  CHANNELS,
  randomAmount,
  type Transaction,
  transactionMessage,
  userName,
  VENDORS,
} from "@tidemark/testkit/bank/transactions";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
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

/** A recorded message, with its schemas. */
const recorded = readFileSync(
  join(packages, "source-debezium", "test", "fixtures", "enveloped.public.transaction_data.jsonl"),
  "utf8",
).split("\n")[0]!;
const template = JSON.parse(recorded) as { key: string; value: string };
const schemas = {
  key: (JSON.parse(template.key) as { schema: unknown }).schema,
  value: (JSON.parse(template.value) as { schema: unknown }).schema,
};

function newRow(id: number, now: number): Transaction {
  const late = random.chance(0.05) ? random.int(HOUR) : 0;
  return {
    id,
    user: userName(random.int(users)),
    vendor: random.pick([...VENDORS, null]),
    channel: random.pick(CHANNELS),
    time: now - late - random.int(1_000_000),
    amount: random.chance(0.02) ? null : randomAmount(random),
  };
}

const topic = join(directory, "topic.jsonl");
const file = openSync(topic, "w");
const live: Transaction[] = [];
for (let offset = 0; offset < messages; offset++) {
  const now = start + offset * step;
  const op =
    live.length === 0
      ? "c"
      : random.pick(["c", "c", "c", "c", "c", "c", "c", "u", "u", "d"] as const);
  const place = random.int(Math.max(live.length, 1));
  let row = op === "c" ? newRow(offset + 1, now) : live[place]!;
  if (op === "u") row = live[place] = { ...row, amount: randomAmount(random) };
  if (op === "c") live.push(row);
  if (op === "d") live.splice(place, 1);
  const more = { "Transaction ID": `tx-${row.id}` };
  const message = { op, row, offset, committed: now, more, schemas } as const;
  writeSync(file, `${transactionMessage(message)}\n`);
}
closeSync(file);
writeFileSync(
  join(directory, "requests.jsonl"),
  Array.from(
    { length: requests },
    () =>
      `${JSON.stringify({
        user_id: userName(random.int(users)),
        event_timestamp: formatTime(start + random.int(messages * step)),
      })}\n`,
  ).join(""),
);
writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
mkdirSync(join(directory, "node_modules", "@tidemark"), { recursive: true });
symlinkSync(join(packages, "core"), join(directory, "node_modules", "@tidemark", "core"));
cpSync(join(packages, "../testkit/src/bank/definitions.ts"), join(directory, "features.ts"));

console.log(
  `${messages} messages, ${(statSync(topic).size / 1e6).toFixed(1)} MB, ${requests} requests, ` +
    `seed ${seed}`,
);
const usage = join(directory, "usage.json");
const program =
  `import { writeFileSync } from "node:fs"; process.on("exit", () => ` +
  `writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.resourceUsage())));`;
const report = `data:text/javascript,${encodeURIComponent(program)}`;
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
