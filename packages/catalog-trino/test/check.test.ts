/** Tests the SQL of a check, and how its exact partial results become the bits of a kernel. */
import {
  and,
  commitTime,
  count,
  decimal,
  entity,
  entropy,
  eq,
  featureView,
  float64,
  gt,
  int64,
  isTidemarkError,
  last,
  latest,
  lower,
  source,
  string,
  sum,
  TidemarkError,
  timestamp,
  type Selection,
} from "@tidemark/core";
import {
  aggregatorNamed,
  aggregators,
  baseFeatures,
  scalarFunction,
  viewPlans,
} from "@tidemark/core/internal";
import { batchOf, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { selectedFeatures } from "@tidemark/core";
import { describe, expect, test } from "vitest";
import { sampleOf, sampleOfOwn } from "../src/check/sample.ts";
import { sqlAggregates } from "../src/check/sql-aggregates.ts";
import { functionsInSql } from "../src/check/sql-expressions.ts";
import { sqlAvg, sqlSum } from "../src/check/sql-sums.ts";
import { viewSqlOf, type Question, type ViewSql } from "../src/check/view-sql.ts";
import { checkTrainingSet } from "../src/index.ts";

const payments = source("card-payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("user_id"),
    shop: string("shop").nullable(),
    amount: float64("amount").nullable(),
    fee: decimal("fee", { precision: 38, scale: 2 }).nullable(),
    time: timestamp("time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const customers = source("customers", {
  table: "public.customers",
  columns: { user_id: string("user_id"), city: string("city").nullable() },
  primaryKey: ["user_id"],
  eventTime: commitTime(),
});
const user = entity("user", { keys: { user_id: string() } });
const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    total: sum(payments.amount).over("7d"),
    num: count()
      .where(and(eq(payments.shop, "O'Hara"), gt(payments.amount, 10)))
      .over("1d"),
    last_shop: last(payments.shop).over("30d"),
    odd: entropy(payments.shop).over("7d"),
    quiet: count()
      .where(eq(lower(payments.shop), "a"))
      .over("7d"),
    fees: sum(payments.fee).over("7d"),
  },
});
const profile = featureView("profile", {
  entity: user,
  source: customers,
  features: { city: latest(customers.city).default("nowhere") },
});

const DAY = 86_400_000_000;
const T = 1_750_000_000_000_000;
const question: Question = { keys: ["ana's"], t: T };

function sqlOfView(
  view: Selection<unknown, unknown>,
  knowledge: "as-corrected" | "as-known",
): ViewSql {
  const [plan] = viewPlans(baseFeatures(selectedFeatures(view)));
  return viewSqlOf(plan!, { knowledge, tableOf: ({ name }) => `"${name}"` });
}

/** The statements of a view for one question. `answer` gives their rows. */
async function statementsOf(
  sql: ViewSql,
  answer: (statement: string) => readonly (readonly unknown[])[] = () => [],
): Promise<{ readonly statements: string[]; readonly values: (readonly Value[] | null)[] }> {
  const statements: string[] = [];
  const values = await sql.answer([question], async (statement) => {
    statements.push(statement);
    return answer(statement);
  });
  return { statements, values: [...values] };
}

describe("the SQL of a view", () => {
  test("the rows of a window view, as corrected", async () => {
    const { statements } = await statementsOf(sqlOfView(spending, "as-corrected"));
    const rows =
      `WITH l (n, t, k0, s) AS (VALUES (0, BIGINT '${T}', 'ana''s', BIGINT '${T - 30 * DAY}')), ` +
      'v AS (SELECT "user_id" AS k0, "time" AS at, CAST(NULL AS bigint) AS kf, ' +
      'CAST(NULL AS bigint) AS kt, "id" AS c0, "shop" AS c1, "amount" AS c2, "fee" AS c3 ' +
      'FROM "card-payments" WHERE NOT "_deleted" AND "_quarantine" IS NULL AND ' +
      '"_known_to" IS NULL), r0 AS (SELECT l.*, v.at, v.c0, v.c1, v.c2, v.c3 FROM l JOIN v ON ' +
      "v.k0 = l.k0 AND v.at < l.t AND (l.s IS NULL OR v.at >= l.s) AND " +
      "(v.kf IS NULL OR v.kf < l.t) AND (v.kt IS NULL OR l.t <= v.kt)), r AS (SELECT * FROM r0) ";
    for (const statement of statements) expect(statement.slice(0, rows.length)).toBe(rows);
    expect(statements.map((statement) => statement.slice(rows.length))).toEqual([
      expect.stringMatching(/^SELECT n, greatest\(.* GROUP BY 1, 2$/),
      `SELECT n, count(*) FILTER (WHERE at >= t - ${DAY} AND ((c1 = 'O''Hara') AND (c2 > ` +
        `DOUBLE '10'))), count(*) FILTER (WHERE at >= t - ${DAY} AND ((c1 = 'O''Hara') AND ` +
        `(c2 > DOUBLE '10'))), count(*) FILTER (WHERE at >= t - ${30 * DAY}), ` +
        "element_at(array_agg(c1 ORDER BY at DESC NULLS LAST, c0 DESC NULLS LAST) FILTER (WHERE " +
        `at >= t - ${30 * DAY} AND c1 IS NOT NULL), 1) FROM r GROUP BY 1`,
    ]);
  });

  test("as known: known from < t ≤ known to (law 6)", async () => {
    const { statements } = await statementsOf(sqlOfView(spending, "as-known"));
    for (const statement of statements) {
      expect(statement).toContain('"_known_from" AS kf, "_known_to" AS kt');
      expect(statement).not.toContain('AND "_known_to" IS NULL');
    }
  });

  test("a dimension is read as known in every mode, at or before t (law 2)", async () => {
    const { statements } = await statementsOf(sqlOfView(profile, "as-corrected"));
    expect(statements[0]).toContain('"_known_from" AS at, "_known_from" AS kf, "_known_to" AS kt');
    expect(statements[0]).toContain("v.at <= l.t");
  });

  test("what SQL cannot say has a reason, and the rest is answered", async () => {
    const sql = sqlOfView(spending, "as-corrected");
    expect(sql.reasons).toEqual([
      null,
      null,
      null,
      "entropy is not computed in SQL",
      "the function lower is not written in SQL",
      "38 digits do not hold every sum of decimals of 38 digits",
    ]);
    // block 31 has the exponents 992 to 1023: 1.5 is 0x18000000000000 · 2^(1023 − 1075)
    const { values } = await statementsOf(sql, (statement) =>
      statement.includes("GROUP BY 1, 2")
        ? [[0, 31, 2, String(0x18000000000000n << 31n), 1]]
        : [[0, 3, 3, 4, "Café"]],
    );
    expect(values).toEqual([[1.5], [3n], ["Café"], null, null, null]);
  });

  test("questions that need more memory than Trino has are asked by halves", async () => {
    const questions = [1, 2, 3].map((i): Question => ({ keys: [`u${i}`], t: T + i }));
    const asked: number[] = [];
    const values = await sqlOfView(profile, "as-known").answer(questions, async (statement) => {
      const numbers = [...statement.matchAll(/\((\d+), BIGINT/g)].map(([, n]) => Number(n));
      asked.push(numbers.length);
      if (numbers.length > 1)
        throw new TidemarkError(
          "TRINO_QUERY_FAILED",
          "trino http://localhost: it is too much (EXCEEDED_LOCAL_MEMORY_LIMIT, in WITH …); …",
        );
      return numbers.map((n) => [n, 1, [T, `city ${n}`]]);
    });
    expect(values).toEqual([["city 0", "city 1", "city 2"]]);
    expect(asked).toEqual([3, 1, 2, 1, 1]);
  });

  test("without rows the answers are those over nothing (law 7)", async () => {
    expect((await statementsOf(sqlOfView(spending, "as-known"))).values.slice(0, 3)).toEqual([
      [0],
      [0n],
      [null],
    ]);
    expect((await statementsOf(sqlOfView(profile, "as-known"))).values).toEqual([["nowhere"]]);
  });
});

test("the aggregations in SQL are those that the registry marks", () => {
  const marked = aggregators.filter(({ sql }) => sql !== undefined).map(({ name }) => name);
  expect([...Object.keys(sqlAggregates), "latest"].sort()).toEqual(marked.sort());
});

test("the functions in SQL are functions of the registry", () => {
  expect(functionsInSql.map((name) => scalarFunction(name).name)).toEqual(functionsInSql);
});

const FLOAT: ColumnSpec = { name: "x", database: "x", type: "float64", nullable: true };
const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** What the SQL of a block sum gives for these values. */
function blocks(values: readonly (number | null)[]): (readonly [bigint | null, bigint, number])[] {
  const sums = new Map<bigint | null, [bigint, number]>();
  for (const value of values) {
    float[0] = value ?? 0;
    const biased = (bits[0]! >> 52n) & 2047n;
    const exponent = biased > 1n ? biased : 1n;
    const size = (bits[0]! & (2n ** 52n - 1n)) + (biased === 0n ? 0n : 2n ** 52n);
    const block = value === null ? null : exponent / 32n;
    const [sum, count] = sums.get(block) ?? [0n, 0];
    const part = (bits[0]! < 0n ? -size : size) << (exponent % 32n);
    sums.set(block, value === null ? [sum, count] : [sum + part, count + 1]);
  }
  return [...sums].map(([block, [sum, count]]) => [block, sum, count]);
}

test("sums of blocks, rounded once, are the bits of the kernels", () => {
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const nasty = [1e16, -1e16, 2 ** 100, -(2 ** 100), 2 ** -100, 5e-324, 0.1, -0.1, -0, null];
  const largest = [Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE];
  for (let run = 0; run < 500; run++) {
    const values = Array.from({ length: Math.floor(random() * 30) }, (): number | null => {
      const way = random();
      if (way < 0.4) return nasty[Math.floor(random() * nasty.length)]!;
      if (way < 0.45) return largest[Math.floor(random() * largest.length)]!;
      return (random() - 0.5) * 2 ** Math.floor(random() * 200 - 100);
    });
    const groups = blocks(values).map(([block, sum, count]) => ({
      keys: [block],
      rows: count,
      cells: [block === null ? null : String(sum), count],
    }));
    const { vectors } = batchOf(
      [FLOAT],
      values.map((value) => [value]),
    );
    const rows = Int32Array.from(values, (_, i) => i);
    for (const [name, write] of [
      ["sum", sqlSum],
      ["avg", sqlAvg],
    ] as const) {
      const kernel = aggregatorNamed(name).accumulator!([FLOAT], {});
      const filled = kernel.create();
      kernel.add(filled, vectors, rows, rows.length);
      expect(write("x", FLOAT).read(groups, 0), `${name} of ${values.join(", ")}`).toBe(
        kernel.finish(filled, { count: 0 }, 0),
      );
    }
  }
});

describe("the sample", () => {
  const needed = selectedFeatures(spending)
    .flatMap(({ view }) => (view.kind === "derived" ? [] : view.entity.keys))
    .slice(0, 1);
  const entities = Array.from({ length: 1000 }, (_, i) => ({
    user_id: `u${i}`,
    event_timestamp: new Date(i),
  }));

  test("has each row at most once, in order, and the same for the same seed", async () => {
    const sample = await sampleOf(entities, needed, { size: 100, seed: 5 });
    expect(sample.of).toBe(1000);
    const rows = sample.rows.map(({ row }) => row);
    expect(rows).toHaveLength(100);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    for (const { row, keys, t } of sample.rows)
      expect([keys, t]).toEqual([[`u${row}`], row * 1000]);
    expect(await sampleOf(entities, needed, { size: 100, seed: 5 })).toEqual(sample);
    expect(await sampleOf(entities, needed, { size: 100, seed: 6 })).not.toEqual(sample);
    // about half of them are from the second half
    expect(rows.filter((row) => row >= 500).length).toBeGreaterThan(25);
  });

  test("of own rows has the keys of each view, at the edges of windows", () => {
    const week = 7 * 86_400_000_000;
    const views = [
      { rows: [{ keys: ["a", 1n], t: 100 }], places: [0, 1], reach: week },
      { rows: [{ keys: ["b"], t: 200 }], places: [2], reach: Infinity },
    ];
    const { rows, of } = sampleOfOwn(views, { size: 50, seed: 1 });
    expect([rows.length, of]).toEqual([50, 50]);
    for (const { keys } of rows) expect(keys).toEqual(["a", 1n, "b"]);
    const times = new Set(rows.map(({ t }) => t));
    for (const t of [100, 101, 100 + week, 101 + week, 200, 201]) expect(times).toContain(t);
    const [view] = views;
    expect(sampleOfOwn([view!, { ...view!, rows: [] }], { size: 50, seed: 1 }).rows).toEqual([]);
  });

  test("is all rows where there are fewer", async () => {
    const { rows } = await sampleOf(entities.slice(0, 3), needed, { size: 100, seed: 5 });
    expect(rows.map(({ row }) => row)).toEqual([0, 1, 2]);
  });

  test("of no rows is refused", async () => {
    const trino = { url: "http://127.0.0.1:1", catalog: "lake", schema: "bank" };
    const store = {} as never;
    await expect(
      checkTrainingSet({ ...trino, store, features: spending, entities, sample: 0 }),
    ).rejects.toSatisfy((error) => isTidemarkError(error, "OPTION_INVALID"));
  });
});
