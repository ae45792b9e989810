/**
 * Compares `tidemark load` with psql's \copy: the same rows into the same table, in one run.
 *
 *     node --conditions=@tidemark/source packages/cli/bench/load.ts [rows]
 */
import { execFileSync } from "node:child_process";
import {
  createWriteStream,
  mkdtempSync,
  rmSync,
  symlinkSync,
  mkdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { batchOf, type ColumnSpec } from "@tidemark/core/spi";
import { writeParquet } from "@tidemark/delta";
import { startPostgres } from "@tidemark/testkit/services";
import pg from "pg";
import { postgresPrograms } from "@tidemark/testkit/services/toolchain";

const ROWS = Number(process.argv[2] ?? 1_000_000);
const packages = fileURLToPath(new URL("../..", import.meta.url));
const TABLE =
  "CREATE TABLE public.payments (id bigint PRIMARY KEY, user_id text NOT NULL, vendor text, " +
  "channel text, amount numeric(12, 2), at timestamptz)";

interface Row {
  readonly id: number;
  readonly user_id: string;
  readonly vendor: string;
  readonly channel: string;
  readonly amount: string;
  readonly at: string;
}

function rowOf(i: number): Row {
  const at = new Date(Date.UTC(2025, 5, 14) + (i % 86_400) * 1000).toISOString();
  return {
    id: i,
    user_id: `user_${String(i % 10_007).padStart(6, "0")}`,
    vendor: ["Grocery", "Sport", "Hospital"][i % 3]!,
    channel: i % 2 === 0 ? "Debit Card" : "Credit Card",
    amount: `${i % 977}.${String(i % 100).padStart(2, "0")}`,
    at,
  };
}

function* lines(line: (row: Row) => string, head = ""): Generator<string> {
  let text = head;
  for (let i = 0; i < ROWS; i++) {
    text += line(rowOf(i));
    if (text.length < 1 << 20) continue;
    yield text;
    text = "";
  }
  yield text;
}

const directory = mkdtempSync(join(tmpdir(), "tidemark-bench-load-"));
const server = await startPostgres({ settings: { max_wal_size: "4GB" } });
try {
  mkdirSync(join(directory, "node_modules", "@tidemark"), { recursive: true });
  symlinkSync(join(packages, "core"), join(directory, "node_modules", "@tidemark", "core"));
  const file = (end: string): string => join(directory, `payments-2025-06-14.${end}`);
  await pipeline(
    lines(
      (row) => `${row.id},${row.user_id},${row.vendor},${row.channel},${row.amount},${row.at}\n`,
      "id,user_id,vendor,channel,amount,at\n",
    ),
    createWriteStream(file("csv")),
  );
  await pipeline(
    lines((row) => `${JSON.stringify(row)}\n`),
    createWriteStream(file("jsonl")),
  );
  const columns: ColumnSpec[] = (
    ["id", "user_id", "vendor", "channel", "amount", "at"] as const
  ).map(
    (name) =>
      ({
        name,
        database: name,
        nullable: true,
        ...(name === "id"
          ? { type: "int64" }
          : name === "amount"
            ? { type: "decimal", precision: 12, scale: 2 }
            : name === "at"
              ? { type: "timestamp", zone: "UTC" }
              : { type: "string" }),
      }) as ColumnSpec,
  );
  await writeParquet(file("parquet"), {
    columns,
    batches: (function* () {
      for (let from = 0; from < ROWS; from += 65_536) {
        yield batchOf(
          columns,
          Array.from({ length: Math.min(65_536, ROWS - from) }, (_, n) => {
            const row = rowOf(from + n);
            return [
              BigInt(row.id),
              row.user_id,
              row.vendor,
              row.channel,
              BigInt(row.amount.replace(".", "")),
              Date.parse(row.at) * 1000,
            ];
          }),
        );
      }
    })(),
  });
  writeFileSync(join(directory, "package.json"), '{"type": "module"}');
  writeFileSync(
    join(directory, "features.ts"),
    `
import { count, entity, featureView, int64, source, string, timestamp } from "@tidemark/core";
const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64("id"), user_id: string("user_id"), at: timestamp("at") },
  primaryKey: ["id"],
  eventTime: "at",
});
export const v = featureView("v", {
  entity: user,
  source: payments,
  features: { n: count().over("7d") },
});
`,
  );
  const pool = new pg.Pool({ connectionString: server.url });
  const fresh = async (): Promise<void> => {
    await pool.query(
      `DROP TABLE IF EXISTS public.payments, public.tidemark_loaded; ${TABLE}; CHECKPOINT`,
    );
  };
  const measure = async (what: string, run: () => void): Promise<number> => {
    await fresh();
    const started = performance.now();
    run();
    const seconds = (performance.now() - started) / 1000;
    const {
      rows: [found],
    } = await pool.query<{ n: string }>("SELECT count(*) AS n FROM public.payments");
    if (Number(found!.n) !== ROWS) throw new Error(`${what}: ${found!.n} rows of ${ROWS}`);
    return seconds;
  };
  const psql = join(postgresPrograms()!, "psql");
  await pool.query(TABLE);
  await pool.query("CREATE TABLE public.ledger AS SELECT * FROM public.payments");
  execFileSync(psql, [
    server.url,
    "-qc",
    `\\copy public.ledger FROM '${file("csv")}' WITH (FORMAT csv, HEADER true)`,
  ]);

  const load = (rows: string, more = ""): void => {
    writeFileSync(
      join(directory, "tidemark.config.ts"),
      `
import { defineConfig } from "@tidemark/cli";
import * as definitions from "./features.ts";
const row = ${rowOf.toString()};
export default defineConfig({
  definitions,
  load: {
    payments: {
      database: () => ${JSON.stringify(server.url)},
      table: "public.payments",
      rows: ${rows},
      ${more}
    },
  },
});
`,
    );
    execFileSync(
      process.execPath,
      [
        "--conditions=@tidemark/source",
        join(packages, "cli/src/bin.ts"),
        "load",
        "--date",
        "2025-06-14",
        "--quiet",
      ],
      { cwd: directory, stdio: ["ignore", "ignore", "inherit"] },
    );
  };
  const base = await measure("psql", () => {
    execFileSync(psql, [
      server.url,
      "-qc",
      `\\copy public.payments FROM '${file("csv")}' WITH (FORMAT csv, HEADER true)`,
    ]);
  });
  const say = (what: string, seconds: number): void => {
    console.log(
      `${what.padEnd(34)} ${seconds.toFixed(2)} s  ${Math.round(ROWS / seconds / 1000)}k ` +
        `rows/s  ${((base / seconds) * 100).toFixed(0)} % of psql`,
    );
  };
  say("psql \\copy, .csv", base);
  for (const [what, rows, more] of [
    ["tidemark load, .csv", '{ file: "payments-{date}.csv" }'],
    ["tidemark load, .parquet", '{ file: "payments-{date}.parquet" }'],
    ["tidemark load, .jsonl", '{ file: "payments-{date}.jsonl" }'],
    [
      "tidemark load, a generator",
      `function* () { for (let i = 0; i < ${ROWS}; i++) yield row(i); }`,
    ],
    ["tidemark load, a query", '{ query: "SELECT * FROM ledger WHERE at >= $1 AND at < $2" }'],
    ['tidemark load, .csv, "replace"', '{ file: "payments-{date}.csv" }', 'whenPresent: "replace"'],
  ] as const)
    say(
      what,
      await measure(what, () => {
        load(rows, more);
      }),
    );
  await pool.end();
} finally {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
