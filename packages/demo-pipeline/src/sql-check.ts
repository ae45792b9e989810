/**
 * Says each feature of `spending` and `paymentRisk` in plain SQL, and compares the stores with it.
 * PostgreSQL and Trino both understand this SQL.
 */
import type { RowOf, Store } from "@tidemark/core";
import { paymentRisk, spending, vendorCustomers } from "./features.ts";
import type { CheckResult } from "./postgres-check.ts";
import { VENDORS } from "./shared-steps.ts";

/** A time, a user, and the payment that the user is about to make. */
export interface Question {
  readonly user_id: string;
  readonly at: Date;
  readonly price: string;
  readonly vendor: string;
}

type CheckedFeature = keyof RowOf<typeof spending> | keyof RowOf<typeof paymentRisk>;
const CHECKED = [spending, paymentRisk] as const;

// Vietnam is 7 hours ahead of UTC, all year.
const DAY_START = "date_trunc('day', asked.t + interval '7' hour) - interval '7' hour";
const WEEK_START = "date_trunc('week', asked.t + interval '7' hour) - interval '7' hour";
const CENTS = "CAST(CAST(coalesce(sum(amount), 0) AS decimal(38, 2)) AS varchar)";

const LAST_VENDORS = `
    SELECT n, place, vendor FROM (
      SELECT n, vendor,
        row_number() OVER (PARTITION BY n ORDER BY paid_at DESC, id DESC) AS place
      FROM past WHERE vendor IS NOT NULL) AS newest
    WHERE place <= 5`;
const RISK_POINTS = `
    SELECT asked.n, CASE WHEN price <= largest THEN 0 ELSE 2 END
      + CASE WHEN known.vendor IS NULL THEN 1 ELSE 0 END AS points
    FROM asked
    LEFT JOIN (
      SELECT n, max(amount) AS largest FROM past
      WHERE paid_at >= t - interval '7' day GROUP BY n) AS week ON week.n = asked.n
    LEFT JOIN (
      SELECT DISTINCT n, vendor FROM (${LAST_VENDORS}) AS last_five) AS known
      ON known.n = asked.n AND known.vendor = asked.vendor`;

/**
 * The SQL of each feature, over `asked` (n, user_id, t, price, vendor) and `past` (the 30 days
 * before t of each question n). A row is one value. `part` is the place in a list or the key in a
 * map.
 */
const SQL: Readonly<Record<CheckedFeature, string>> = {
  amount_1d_of_1w: `
    SELECT n, '' AS part, CAST(
      CAST(coalesce(sum(amount) FILTER (WHERE paid_at >= t - interval '1' day), 0)
        AS double precision) / nullif(CAST(sum(amount) AS double precision), 0) AS varchar
    ) AS value
    FROM past WHERE paid_at >= t - interval '7' day GROUP BY n`,
  last_vendors: `
    SELECT n, CAST(place - 1 AS varchar) AS part, vendor AS value
    FROM (${LAST_VENDORS}) AS last_five`,
  amount_by_vendor_l1w: `
    SELECT n, vendor AS part, ${CENTS} AS value
    FROM past WHERE paid_at >= t - interval '7' day AND vendor IS NOT NULL GROUP BY n, vendor`,
  num_everyday_l1w: `
    SELECT asked.n, everyday.vendor AS part, CAST(count(past.id) AS varchar) AS value
    FROM asked CROSS JOIN (VALUES ('Grocery'), ('Restaurant')) AS everyday (vendor)
    LEFT JOIN past ON past.n = asked.n AND past.vendor = everyday.vendor
      AND paid_at >= asked.t - interval '7' day
    GROUP BY asked.n, everyday.vendor`,
  amount_today: `
    SELECT asked.n, '' AS part, ${CENTS} AS value
    FROM asked LEFT JOIN past ON past.n = asked.n AND paid_at >= ${DAY_START}
    GROUP BY asked.n`,
  amount_last_week: `
    SELECT asked.n, '' AS part, ${CENTS} AS value
    FROM asked LEFT JOIN past ON past.n = asked.n
      AND paid_at >= ${WEEK_START} - interval '7' day AND paid_at < ${WEEK_START}
    GROUP BY asked.n`,
  num_by_day: `
    SELECT asked.n, CAST(day.place AS varchar) AS part, CAST(count(past.id) AS varchar) AS value
    FROM asked CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) AS day (place)
    LEFT JOIN past ON past.n = asked.n
      AND paid_at >= ${DAY_START} - (7 - day.place) * interval '1' day
      AND paid_at < ${DAY_START} - (6 - day.place) * interval '1' day
    GROUP BY asked.n, day.place`,
  risk_points: `
    SELECT n, '' AS part, CAST(points AS varchar) AS value FROM (${RISK_POINTS}) AS scored`,
  risk: `
    SELECT n, '' AS part, CASE WHEN points = 3 THEN 'high' ELSE 'low' END AS value
    FROM (${RISK_POINTS}) AS scored`,
};
const FEATURES = Object.keys(SQL) as CheckedFeature[];

/** One statement for all features; `payments` selects the bank's transactions. */
function statement(payments: string, questions: readonly Question[]): string {
  const asked = questions.map(
    ({ user_id, at, price, vendor }, n) =>
      `(${n}, '${user_id}', TIMESTAMP '${timestampText(at)}', ${price}, '${vendor}')`,
  );
  const answers = FEATURES.map(
    (feature) => `SELECT '${feature}' AS feature, n, part, value FROM (${SQL[feature]}) AS answer`,
  );
  return `WITH asked (n, user_id, t, price, vendor) AS (VALUES ${asked.join(", ")}),
    payments AS (${payments}),
    past AS (
      SELECT asked.n, asked.t, payments.* FROM asked
      JOIN payments ON payments.user_id = asked.user_id
        AND paid_at < t AND paid_at >= t - interval '30' day)
    ${answers.join("\n    UNION ALL ")}`;
}

const timestampText = (at: Date): string => at.toISOString().slice(0, 23).replace("T", " ");

/** Compares both stores with a database's answers, feature by feature. */
export async function checkBySql({
  database,
  payments,
  query,
  store,
  questions,
  signal,
}: {
  /** The name of the database, for the sentence about a difference. */
  readonly database: string;
  /** Selects id, user_id, vendor, channel, amount and paid_at of the bank's transactions. */
  readonly payments: string;
  readonly query: (sql: string) => Promise<readonly (readonly unknown[])[]>;
  readonly store: Store;
  readonly questions: readonly Question[];
  readonly signal?: AbortSignal | undefined;
}): Promise<CheckResult> {
  const answers = answersOf(await query(statement(payments, questions)));
  const fromHistory = await (
    await store.getHistoricalFeatures({
      features: CHECKED,
      entities: questions.map(({ at, user_id, price, vendor }) => ({
        user_id,
        price,
        vendor,
        event_timestamp: at,
      })),
      signal,
    })
  ).rows();
  const online: object[] = [];
  for (const { user_id, at, price, vendor } of questions) {
    signal?.throwIfAborted();
    const entity = { user_id, price, vendor };
    online.push(await store.getOnlineFeatures({ features: CHECKED, entity, asOf: at }));
  }
  return compareAnswers(FEATURES, answers, online, fromHistory, {
    database,
    nameOf: (n) => `${questions[n]!.user_id} at ${questions[n]!.at.toISOString()}`,
  });
}

/** Compares the features of vendors, whose SQL needs the versions of customers. */
export async function checkVendorsBySql({
  database,
  payments,
  versions,
  query,
  store,
  moments,
  signal,
}: {
  readonly database: string;
  readonly payments: string;
  /** Selects user_id, segment, known_from and known_to of the versions of the customers. */
  readonly versions: string;
  readonly query: (sql: string) => Promise<readonly (readonly unknown[])[]>;
  readonly store: Store;
  readonly moments: readonly Date[];
  readonly signal?: AbortSignal | undefined;
}): Promise<CheckResult> {
  const questions = moments.flatMap((at) => VENDORS.map(({ vendor }) => ({ vendor, at })));
  const asked = questions.map(
    ({ vendor, at }, n) => `(${n}, '${vendor}', TIMESTAMP '${timestampText(at)}')`,
  );
  const answers = answersOf(
    await query(`WITH asked (n, vendor, t) AS (VALUES ${asked.join(", ")}),
      payments AS (${payments}),
      versions AS (${versions}),
      past AS (
        SELECT asked.n, versions.segment FROM asked
        JOIN payments ON payments.vendor = asked.vendor
          AND paid_at < t AND paid_at >= t - interval '1' day
        LEFT JOIN versions ON versions.user_id = payments.user_id
          AND known_from < paid_at AND (known_to IS NULL OR paid_at <= known_to))
      SELECT 'private_share_1d', n, '', CAST(CAST(count(*) FILTER (WHERE segment = 'Private')
        AS double precision) / nullif(count(segment), 0) AS varchar) FROM past GROUP BY n
      UNION ALL SELECT 'num_by_segment_1d', n, segment, CAST(count(*) AS varchar)
      FROM past WHERE segment IS NOT NULL GROUP BY n, segment`),
  );
  const fromHistory = await (
    await store.getHistoricalFeatures({
      features: vendorCustomers,
      entities: questions.map(({ vendor, at }) => ({ vendor, event_timestamp: at })),
      signal,
    })
  ).rows();
  const online: object[] = [];
  for (const { vendor, at } of questions)
    online.push(
      await store.getOnlineFeatures({ features: vendorCustomers, entity: { vendor }, asOf: at }),
    );
  return compareAnswers(Object.keys(vendorCustomers), answers, online, fromHistory, {
    database,
    nameOf: (n) => `${questions[n]!.vendor} at ${questions[n]!.at.toISOString()}`,
  });
}

/** The answers of a database by feature and question: each a map from part to value. */
type SqlAnswers = ReadonlyMap<string, ReadonlyMap<string, string>>;

function answersOf(rows: readonly (readonly unknown[])[]): SqlAnswers {
  const answers = new Map<string, Map<string, string>>();
  for (const [feature, n, part, value] of rows) {
    if (value === null) continue;
    const place = `${String(feature)} ${String(n)}`;
    answers.set(place, (answers.get(place) ?? new Map()).set(String(part), String(value)));
  }
  return answers;
}

function compareAnswers(
  features: readonly string[],
  answers: SqlAnswers,
  online: readonly object[],
  fromHistory: readonly object[],
  { database, nameOf }: { readonly database: string; readonly nameOf: (n: number) => string },
): CheckResult {
  const differences: string[] = [];
  for (const [n, row] of online.entries())
    for (const feature of features) {
      const expected = answers.get(`${feature} ${n}`) ?? new Map<string, string>();
      for (const [where, answer] of [
        ["the online store", row],
        ["the history", fromHistory[n]!],
      ] as const) {
        const found = partsOf((answer as Readonly<Record<string, unknown>>)[feature]);
        if (!equalParts(found, expected))
          differences.push(
            `${feature} of ${nameOf(n)}: ${shown(expected)} from ${database}, ` +
              `${shown(found)} from ${where}`,
          );
      }
    }
  return { compared: 2 * online.length * features.length, differences };
}

/** The values of an answer by their place: one of a number, those of a list, a map or an object. */
function partsOf(value: unknown): Map<string, unknown> {
  if (value === null) return new Map();
  if (value instanceof Map) return value as Map<string, unknown>;
  return new Map(typeof value === "object" ? Object.entries(value) : [["", value]]);
}

/** A number must be the same double as the text of the database; a text the same text. */
const equalParts = (
  found: ReadonlyMap<string, unknown>,
  expected: ReadonlyMap<string, string>,
): boolean =>
  found.size === expected.size &&
  [...found].every(([part, value]) => {
    const text = expected.get(part);
    if (text === undefined) return false;
    return typeof value === "number" ? Object.is(value, Number(text)) : value === text;
  });

const shown = (parts: ReadonlyMap<string, unknown>): string =>
  JSON.stringify(Object.fromEntries(parts));
