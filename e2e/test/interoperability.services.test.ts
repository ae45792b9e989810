/**
 * Tests what other engines read: one history in a bucket of a real MinIO, and Trino, delta-rs,
 * DuckDB and Spark with their own SQL.
 */
import { seedsFromEnvironment } from "@tidemark/testkit";
import {
  type Knowledge,
  avg,
  count,
  countDistinct,
  decimal,
  entity,
  featureView,
  float64,
  int64,
  max,
  micros,
  min,
  openStore,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { type Value, valueAt } from "@tidemark/core/spi";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { s3Objects } from "@tidemark/adapter-minio";
import { historyTables, queryTrino, registerTables } from "@tidemark/catalog-trino";
import { deltaOfflineStore, type DeltaOfflineStore } from "@tidemark/delta";
import { createBucket } from "@tidemark/testkit/services/minio";
import { sharedService, type SharedServices } from "@tidemark/testkit/services/shared";
import { recordedTopic } from "@tidemark/source-debezium";
import { type ChildEnd, startNode } from "@tidemark/testkit/child-process";
import { beforeAll, expect, test } from "vitest";
import { sparkJars } from "@tidemark/testkit/services/toolchain";
import {
  minioServer,
  pythonReaders,
  sparkReader,
  suiteNeeding,
  trinoServer,
} from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { BANK_USERS, bankTopic } from "../src/bank-topic.ts";
import { inFolder } from "../src/real-stores.ts";

const user = entity("user", { keys: { user_id: string() } });
const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    points: int64("Points").nullable(),
    fee: decimal("Fee", { precision: 12, scale: 2 }).nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
/** The seven features, and two of types that a double cannot hold. */
const weekly = featureView("weekly", {
  entity: user,
  source: transactions,
  features: {
    num: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    avg: avg(transactions.amount).over("7d"),
    min: min(transactions.amount).over("7d"),
    max: max(transactions.amount).over("7d"),
    num_vendors: countDistinct(transactions.vendor).over("7d"),
    num_sources: countDistinct(transactions.channel).over("7d"),
    points: sum(transactions.points).over("7d"),
    fees: sum(transactions.fee).over("7d"),
  },
});
const FEATURES = [
  "num",
  "total",
  "avg",
  "min",
  "max",
  "num_vendors",
  "num_sources",
  "points",
  "fees",
] as const;

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const bank = bankTopic(seed, 3_000);
const DAY = 86_400_000_000;
/** Midnights, the times of rows, and a microsecond later. */
const TIMES = [
  ...[4, 8, 15, 22, 30].map((day) => bank.from + day * DAY),
  ...[0.3, 0.6, 0.9]
    .map((share) => bank.rows[Math.floor(bank.rows.length * share)]!.time)
    .flatMap((time) => [time, time + 1]),
];
const entityRows = TIMES.flatMap((t) =>
  [...BANK_USERS, "nobody"].map((user_id) => ({ user_id, t })),
);

/** A time in the middle of the rows, µs. */
const HALF = bank.from + 15 * DAY;

type Cell = string | number | null;
type AnswerTable = Readonly<Record<string, readonly (readonly unknown[])[]>>;

/** Returns the same text for every engine, except for the names of the tables. */
function statements(changes: string, versions: string): Record<string, string> {
  const values = entityRows
    .map(({ user_id, t }) => `('${user_id.replaceAll("'", "''")}', ${t})`)
    .join(", ");
  const features = (seen: string): string => `
    SELECT a.user_id, a.t, count(r.id), coalesce(sum(r.amount), 0), avg(r.amount),
           min(r.amount), max(r.amount), count(DISTINCT r.vendor), count(DISTINCT r.channel),
           coalesce(sum(r.points), 0), coalesce(sum(r.fee), 0), coalesce(sum(abs(r.amount)), 0)
    FROM (VALUES ${values}) AS a(user_id, t)
    LEFT JOIN ${versions} r ON r.user_id = a.user_id
      AND r.time >= a.t - 604800000000 AND r.time < a.t
      AND NOT r._deleted AND r._quarantine IS NULL AND ${seen}
    GROUP BY a.user_id, a.t`;
  const sums = (table: string): string =>
    "SELECT count(*), count(amount), count(vendor), sum(id - 9007199254740992), " +
    "sum(CAST(points AS decimal(38, 0))), sum(fee), sum(time - 1748736000000000), " +
    `sum(amount), sum(abs(amount)) FROM ${table}`;
  return {
    "sums of changes":
      "SELECT count(*), count(_row), count(_key), sum(_offset), sum(_order) " + `FROM ${changes}`,
    "sums of versions": sums(versions),
    "kinds of changes": `SELECT _kind, count(*) FROM ${changes} GROUP BY _kind`,
    "rows today":
      "SELECT id, user_id, vendor, channel, amount, points, fee, " +
      `time FROM ${versions} WHERE _known_to IS NULL AND NOT _deleted AND _quarantine IS NULL`,
    // the page index of the files says which pages may have such rows
    "versions of each user": BANK_USERS.map((user) => {
      const literal = `'${user.replaceAll("'", "''")}'`;
      return (
        `SELECT ${literal}, count(*), sum(id - 9007199254740992), ` +
        `sum(CAST(points AS decimal(38, 0))) FROM ${versions} ` +
        `WHERE user_id = ${literal} AND time >= ${HALF}`
      );
    }).join(" UNION ALL "),
    "as corrected": features("r._known_to IS NULL"),
    "as known": features("r._known_from < a.t AND (r._known_to IS NULL OR r._known_to >= a.t)"),
  };
}

/**
 * The columns that are floats. Each has the column of Σ|x| that bounds its error, or null if it is
 * no sum. All other columns are exact.
 */
const FLOATS: Readonly<Record<string, ReadonlyMap<number, number | null>>> = {
  ...Object.fromEntries(
    ["sums of changes", "sums of versions"].map((name) => [
      name,
      new Map([
        [7, 8],
        [8, 8],
      ]),
    ]),
  ),
  "rows today": new Map([[4, null]]),
  ...Object.fromEntries(
    ["as corrected", "as known"].map((name) => [
      name,
      new Map([
        [3, 11],
        [4, 11],
        [5, null],
        [6, null],
        [11, 11],
      ]),
    ]),
  ),
};

/** Returns sorted rows, exact values as text without trailing zeros, floats as numbers. */
function cells(name: string, rows: readonly (readonly unknown[])[]): Cell[][] {
  const cell = (value: unknown, column: number): Cell => {
    if (value === null || value === undefined) return null;
    const bare: unknown = typeof value === "object" ? Object.values(value)[0] : value;
    // engines differ in the sign of zero
    if (FLOATS[name]?.has(column) === true) return Number(bare) + 0;
    return /^-?\d+\.\d+$/.test(String(bare)) ? String(bare).replace(/\.?0+$/, "") : String(bare);
  };
  const key = (row: readonly Cell[]): string => JSON.stringify(row.slice(0, 2));
  return rows.map((row) => row.map(cell)).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Checks |ours − theirs| ≤ 1e-9 · Σ|x| for sums of floats, and equality elsewhere. */
function agree(engine: string, theirs: AnswerTable, ours: AnswerTable): void {
  for (const name of Object.keys(ours)) {
    const [found, wanted] = [cells(name, theirs[name]!), cells(name, ours[name]!)];
    expect(found.length, `${engine}, ${name}`).toBe(wanted.length);
    for (const [i, row] of wanted.entries()) {
      for (const [c, value] of row.entries()) {
        const said =
          `${engine}, ${name}, column ${c} of row ${JSON.stringify(row.slice(0, 2))}, ` +
          `TIDEMARK_SEED=${seed}`;
        const bound = FLOATS[name]?.get(c) ?? null;
        const there = found[i]![c];
        if (bound === null || value === null) expect(there, said).toEqual(value);
        else
          expect(Math.abs((there as number) - (value as number)), said).toBeLessThanOrEqual(
            1e-9 * (found[i]![bound] as number),
          );
      }
    }
  }
}

/**
 * Returns the sums of a table by Tidemark's reader. Floats are added in the table's order, which
 * the bound of 1e-9 allows for.
 */
async function sumsOfLog(lake: DeltaOfflineStore): Promise<unknown[]> {
  let [rows, images, keys] = [0, 0, 0];
  let [offsets, orders] = [0n, 0n];
  for await (const batch of lake.scan("transactions/changes", {
    columns: ["_row", "_key", "_offset", "_order"],
  })) {
    for (let i = 0; i < batch.length; i++) {
      const [row, key, offset, order] = batch.vectors.map((vector) => valueAt(vector, i));
      rows++;
      if (row !== null) images++;
      if (key !== null) keys++;
      offsets += offset as bigint;
      orders += (order as bigint | null) ?? 0n;
    }
  }
  return [rows, images, keys, offsets, orders];
}

async function ourSums(lake: DeltaOfflineStore, table: string): Promise<unknown[]> {
  let rows = 0,
    amounts = 0,
    vendors = 0,
    ids = 0n,
    points = 0n,
    fees = 0n,
    times = 0n,
    total = 0,
    sizes = 0;
  for await (const batch of lake.scan(table, {
    columns: ["id", "amount", "vendor", "points", "fee", "time"],
  })) {
    for (let i = 0; i < batch.length; i++) {
      const [id, amount, vendor, point, fee, time] = batch.vectors.map((vector) =>
        valueAt(vector, i),
      ) as [bigint, number | null, string | null, bigint | null, bigint | null, number | null];
      rows++;
      ids += id - 9007199254740992n;
      if (amount !== null) {
        amounts++;
        total += amount;
        sizes += Math.abs(amount);
      }
      if (vendor !== null) vendors++;
      points += point ?? 0n;
      fees += fee ?? 0n;
      if (time !== null) times += BigInt(time) - 1748736000000000n;
    }
  }
  const sign = fees < 0n ? "-" : "";
  const digits = String(fees < 0n ? -fees : fees).padStart(3, "0");
  return [
    rows,
    amounts,
    vendors,
    ids,
    points,
    `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`,
    times,
    total,
    sizes,
  ];
}

/** Counts the versions of each user from the middle on, and adds two of their columns. */
async function ourUsers(lake: DeltaOfflineStore): Promise<unknown[][]> {
  const sums = new Map<Value, { rows: number; ids: bigint; points: bigint | null }>(
    BANK_USERS.map((user) => [user, { rows: 0, ids: 0n, points: null }]),
  );
  for await (const { length, vectors } of lake.scan("transactions/versions", {
    columns: ["user_id", "time", "id", "points"],
  }))
    for (let i = 0; i < length; i++) {
      const [user, time, id, points] = vectors.map((vector) => valueAt(vector, i));
      const own = sums.get(user!);
      if (own === undefined || time === null || (time as number) < HALF) continue;
      own.rows++;
      own.ids += (id as bigint) - 9007199254740992n;
      if (points !== null) own.points = (own.points ?? 0n) + (points as bigint);
    }
  return [...sums].map(([user, { rows, ids, points }]) => [
    user,
    rows,
    rows === 0 ? null : ids,
    points,
  ]);
}

const python = pythonReaders();
const needs = [minioServer(), trinoServer(), python, sparkReader()];

suiteNeeding(
  { missing: needs.map(({ missing }) => missing).find((missing) => missing !== null) ?? null },
  "a history in MinIO, read by others",
  () => {
    let minio: SharedServices["minio"], trino: SharedServices["trino"], ours: AnswerTable;
    const bucket = `bank-${randomUUID()}`;
    const tables = historyTables(["transactions"], `s3://${bucket}/lake`);
    const url = (table: string): string =>
      tables.find((one) => one.table === `transactions_${table}`)!.location;

    beforeAll(async () => {
      const starting = sharedService("trino");
      minio = await sharedService("minio");
      await createBucket(minio, bucket);
      const lake = deltaOfflineStore(s3Objects({ ...minio, bucket, prefix: "lake" }), {
        checkpointEvery: 4,
      });
      ours = await inFolder(async (folder) => {
        const store = await openStore({ definitions: { weekly }, offline: lake });
        // five runs make commits, rewritten versions and a checkpoint to read
        for (let run = 1; run <= 5; run++) {
          const topic = join(folder, `topic-${run}.jsonl`);
          writeFileSync(
            topic,
            `${bank.lines.slice(0, Math.ceil((bank.changes * run) / 5)).join("\n")}\n`,
          );
          await store.run(recordedTopic(topic));
        }
        const kinds = new Map<string, number>();
        for await (const batch of lake.scan("transactions/changes", { columns: ["_kind"] })) {
          for (let i = 0; i < batch.length; i++) {
            const kind = String(valueAt(batch.vectors[0]!, i));
            kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          }
        }
        const features = async (knowledge: Knowledge): Promise<unknown[][]> => {
          const entities = entityRows.map(({ user_id, t }) => ({
            user_id,
            event_timestamp: micros(t),
          }));
          const rows = await (
            await store.getHistoricalFeatures({ features: weekly, entities, knowledge })
          ).rows();
          return rows.map((row, i) => [
            entityRows[i]!.user_id,
            entityRows[i]!.t,
            ...FEATURES.map((name) => row[name]),
          ]);
        };
        const answers = {
          "sums of changes": [await sumsOfLog(lake)],
          "sums of versions": [await ourSums(lake, "transactions/versions")],
          "kinds of changes": [...kinds],
          "versions of each user": await ourUsers(lake),
          "rows today": bank.rows.map((row) => [
            row.id,
            row.user,
            row.vendor,
            row.channel,
            row.amount === "NaN" ? null : row.amount,
            row.points,
            row.fee,
            row.time,
          ]),
          "as corrected": await features("as-corrected"),
          "as known": await features("as-known"),
        };
        await store.close();
        return answers;
      });
      trino = await starting;
    }, 400_000);

    const job = (more: object): string =>
      JSON.stringify({
        tables: { changes: url("changes"), versions: url("versions") },
        sql: statements("changes", "versions"),
        storage: {
          AWS_ENDPOINT_URL: minio.endpoint,
          AWS_REGION: minio.region,
          AWS_ACCESS_KEY_ID: minio.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: minio.credentials.secretAccessKey,
          AWS_ALLOW_HTTP: "true",
        },
        ...more,
      });

    test(
      "Trino, in whose catalog the command registers the tables",
      { timeout: 900_000 },
      async () => {
        const catalog = (verb: string, ...more: string[]): Promise<ChildEnd> =>
          command("catalog", verb, "--trino", trino.url, "--schema", "bank", "--json", ...more);
        const register = (location: string, ...more: string[]): Promise<ChildEnd> =>
          catalog("register", "--source", "transactions", "--location", location, ...more);
        const states = (stdout: string): string[] =>
          (JSON.parse(stdout) as { state: string }[]).map(({ state }) => state);

        expect(await catalog("list")).toMatchObject({ code: 0, stdout: "[]\n", stderr: "" });
        const first = await register(`s3://${bucket}/lake`);
        expect(first.stderr).toBe("");
        expect(JSON.parse(first.stdout)).toEqual(
          tables.map((table) => ({ ...table, state: "registered" })),
        );
        expect(states((await register(`s3://${bucket}/lake/`)).stdout)).toEqual([
          "present",
          "present",
        ]);

        const answers: Record<string, readonly (readonly unknown[])[]> = {};
        for (const [name, sql] of Object.entries(
          statements("lake.bank.transactions_changes", "lake.bank.transactions_versions"),
        ))
          answers[name] = await queryTrino({ url: trino.url }, sql);
        agree("Trino", answers, ours);

        // the same bucket under another scheme is another location
        const elsewhere = await register(`s3a://${bucket}/lake`);
        expect(elsewhere).toMatchObject({
          code: 1,
          stdout: "",
          stderr: expect.stringContaining("TRINO_TABLE_ELSEWHERE"),
        });
        expect(states((await register(`s3a://${bucket}/lake`, "--replace")).stdout)).toEqual([
          "moved",
          "moved",
        ]);
        expect(JSON.parse((await catalog("list")).stdout)).toEqual(
          tables.map(({ table, location }) => ({
            table,
            location: location.replace("s3:", "s3a:"),
          })),
        );
        expect(
          JSON.parse((await catalog("unregister", "--source", "transactions")).stdout),
        ).toEqual(tables.map(({ table }) => ({ table })));
        expect((await catalog("list")).stdout).toBe("[]\n");
        expect(await register(`s3://${bucket}/nowhere`)).toMatchObject({
          code: 1,
          stdout: "",
          stderr: expect.stringContaining("TRINO_QUERY_FAILED"),
        });
        const again = await registerTables({
          url: trino.url,
          catalog: "lake",
          schema: "bank",
          tables,
        });
        expect(again.map(({ state }) => state)).toEqual(["registered", "registered"]);
      },
    );

    test("delta-rs, and DuckDB over what it reads", { timeout: 200_000 }, async () => {
      const answers = JSON.parse(await runPython("read_delta_rs.py", job({}))) as Readonly<
        Record<string, AnswerTable>
      >;
      for (const engine of ["delta-rs", "DuckDB"]) agree(engine, answers[engine]!, ours);
    });

    test("Spark with Delta", { timeout: 900_000 }, async () => {
      await inFolder(async (folder) => {
        const answers = join(folder, "answers.json");
        await runPython("read_spark.py", job({ jars: sparkJars, answers }));
        agree("Spark", JSON.parse(readFileSync(answers, "utf8")) as AnswerTable, ours);
      });
    });
  },
);

/** Runs `tidemark …` as a process. */
const command = (...args: readonly string[]): Promise<ChildEnd> =>
  startNode(join(import.meta.dirname, "../../packages/cli/src/bin.ts"), args).ended;

/** Runs a program that reads its job from its input, and returns its output. */
async function runPython(program: string, input: string): Promise<string> {
  const args = [join(import.meta.dirname, "python", program)];
  const env = { TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
  return (await startPython(python.path, args, { env, input }).succeeded()).stdout;
}
