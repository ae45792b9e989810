/**
 * Tests that a real Trino computes the same bits by SQL as the training set has, and that a check
 * finds a row that another writer changed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { s3Objects } from "@tidemark/adapter-minio";
import {
  checkTrainingSet,
  historyTables,
  queryTrino,
  registerTables,
  type CatalogSchema,
  type TrainingSetCheck,
} from "@tidemark/catalog-trino";
import { micros, openStore, selectedFeatures, type Knowledge, type Store } from "@tidemark/core";
import { aggregators } from "@tidemark/core/internal";
import { formatTime, type FeatureSpec } from "@tidemark/core/spi";
import { deltaOfflineStore } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { generateScenario, seedsFromEnvironment } from "@tidemark/testkit";
import { startNode, type ChildEnd } from "@tidemark/testkit/child-process";
import { minioServer, suiteNeeding, trinoServer } from "@tidemark/testkit/needs";
import { ownBucket, sharedService, type OwnBucket } from "@tidemark/testkit/services/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BANK_USERS, bankTopic } from "../src/bank-topic.ts";
import * as definitions from "../src/checked-features.ts";
import { inFolder } from "../src/real-stores.ts";
import { checkScenario } from "../src/scenario-check.ts";

const KNOWLEDGE: readonly Knowledge[] = ["as-corrected", "as-known"];
const ODD_AMOUNTS = [
  1e16,
  -1e16,
  2 ** 100,
  -(2 ** 100),
  2 ** -100,
  5e-324,
  0.1,
  -0,
  "NaN",
] as const;
const DIFFERENCE =
  /^differs: orders\.last_amount of user_id "ana" at \S+, row \d+: \S+ \(bits \w{16}\) from/m;
/** The seed of a scenario with a source that no change is of. */
const WITHOUT_HISTORY = 42;
const HEX = /^[0-9a-f]{16}$/;
const DAY = 86_400_000_000;
const WEEK = 7 * DAY;

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const { sums, orders, windows, pairs, facts, others } = definitions;
const CHECKED = [sums, orders, windows, pairs, facts, others] as const;
const bank = bankTopic(seed, 2_000, ODD_AMOUNTS);

/** Times of rows and of the edges of their windows, to the microsecond. */
const TIMES = [0.2, 0.4, 0.6, 0.8, 0.95]
  .map((share) => bank.rows[Math.floor(bank.rows.length * share)]!.time)
  .flatMap((at) => [at, at + 1, at + DAY, at + WEEK, at + WEEK + 1]);
const labels = TIMES.flatMap((t) =>
  [...BANK_USERS, "nobody"].map((user_id, i) => ({
    user_id,
    vendor: ["Grocery", "grocery", "O'Hara", "日本"][i % 4]!,
    t,
  })),
);
/** A row whose last bit another writer changes. A label sees it as the newest. */
const planted = bank.rows.findLast(
  ({ user, amount }) => user === "ana" && typeof amount === "number" && amount > 1 && amount < 1e6,
)!;
labels.push({ user_id: "ana", vendor: "Grocery", t: planted.time + 1 });
const entities = labels.map(({ t, ...keys }) => ({ ...keys, event_timestamp: micros(t) }));

const needs = [minioServer(), trinoServer()];

suiteNeeding(
  { missing: needs.map(({ missing }) => missing).find((missing) => missing !== null) ?? null },
  "a training set and SQL in Trino",
  () => {
    let bucket: OwnBucket, store: Store, trino: CatalogSchema;
    const lake = () => deltaOfflineStore(s3Objects({ ...bucket, prefix: "lake" }));

    beforeAll(async () => {
      const starting = sharedService("trino");
      bucket = await ownBucket();
      store = await openStore({ definitions, offline: lake() });
      await inFolder(async (folder) => {
        const topic = join(folder, "topic.jsonl");
        writeFileSync(topic, `${bank.lines.join("\n")}\n`);
        await store.run(recordedTopic(topic));
      });
      const schema = `checked_${bucket.bucket.slice(-8)}`;
      trino = { url: (await starting).url, catalog: "lake", schema };
      const tables = historyTables(["transactions"], `s3://${bucket.bucket}/lake`);
      await registerTables({ ...trino, tables });
    }, 400_000);
    afterAll(() => store?.close());

    const check = (
      knowledge: Knowledge,
      more: Partial<Parameters<typeof checkTrainingSet>[0]> = {},
    ): Promise<TrainingSetCheck> =>
      checkTrainingSet({ ...trino, store, features: CHECKED, entities, knowledge, ...more });

    test("every aggregation in SQL, over every window", { timeout: 600_000 }, async () => {
      for (const knowledge of KNOWLEDGE) {
        const found = await check(knowledge);
        expect(found.differences.slice(0, 5), `${knowledge}, TIDEMARK_SEED=${seed}`).toEqual([]);
        expect(found.notChecked).toEqual([
          { feature: "others.vendor_entropy", why: "entropy is not computed in SQL" },
        ]);
        expect(found).toMatchObject({ rows: labels.length, of: labels.length });
        expect(found.compared).toBe(labels.length * found.checked.length);
        const used = new Set(found.checked.flatMap(aggregatesOf));
        const marked = aggregators.filter(({ sql }) => sql !== undefined);
        expect(marked.filter(({ name }) => !used.has(name))).toEqual([]);
      }
    });

    test("entities and times of the history's own rows", { timeout: 600_000 }, async () => {
      for (const knowledge of KNOWLEDGE) {
        const own = { entities: undefined, sample: 150, seed };
        const found = await check(knowledge, own);
        expect(found).toMatchObject({ rows: 150, of: 150, differences: [] });
      }
    });

    test("generated definitions of the whole language", { timeout: 900_000 }, async () => {
      const { seeds } = seedsFromEnvironment({ runs: 3 });
      let compared = 0;
      for (const one of [...seeds, WITHOUT_HISTORY]) {
        const scenario = generateScenario(one, {
          everyAggregation: true,
          traits: { computed: one % 2 === 1, derived: one % 2 === 1 },
        });
        const schema = `${trino.schema}_${one}`;
        const checks = await checkScenario(scenario, bucket, { ...trino, schema });
        for (const knowledge of KNOWLEDGE) {
          const found = checks[knowledge];
          expect(found.differences.slice(0, 5), `${knowledge}, seed ${one}`).toEqual([]);
          expect(found.checked.length + found.notChecked.length).toBe(scenario.selected.length);
          compared += found.compared;
        }
      }
      expect(compared).toBeGreaterThan(0);
    });

    test(
      "a row that another writer changed is found, and the command fails",
      { timeout: 600_000 },
      async () => {
        const { id, amount } = planted;
        const next = (amount as number) * (1 + Number.EPSILON);
        const copy = `${trino.schema}_copy`;
        const table = (schema: string): string => `lake.${schema}.transactions_versions`;
        const names = await queryTrino(trino, `SHOW COLUMNS FROM ${table(trino.schema)}`);
        const selected = names.map(([name]) =>
          name === "amount"
            ? `if(id = ${id}, DOUBLE '${next}', amount) AS amount`
            : `"${String(name)}"`,
        );
        await queryTrino(trino, `CREATE SCHEMA lake.${copy}`);
        const changed = `SELECT ${selected.join(", ")} FROM ${table(trino.schema)}`;
        await queryTrino(trino, `CREATE TABLE ${table(copy)} AS ${changed}`);
        const { differences } = await check("as-corrected", { schema: copy });
        expect(differences).toContainEqual({
          feature: "orders.last_amount",
          row: labels.length - 1,
          keys: { user_id: '"ana"', vendor: '"Grocery"' },
          eventTimestamp: formatTime(planted.time + 1),
          tidemark: String(amount),
          trino: String(next),
          bits: { tidemark: expect.stringMatching(HEX), trino: expect.stringMatching(HEX) },
        });
        for (const { keys, tidemark, trino: found, bits } of differences) {
          expect(keys["user_id"]).toBe('"ana"');
          expect(found).not.toBe(tidemark);
          if (bits !== null) expect(bits.trino).not.toBe(bits.tidemark);
        }

        await inFolder(async (folder) => {
          writeProject(folder, bucket);
          const args = (schema: string, features = "orders,others"): string[] => [
            "check",
            "--engine=trino",
            `--trino=${trino.url}`,
            `--schema=${schema}`,
            `--config=${join(folder, "tidemark.config.ts")}`,
            `--features=${features}`,
            `--entities=${join(folder, "labels.jsonl")}`,
          ];
          const same = await command(...args(trino.schema));
          expect(same.code, same.stdout + same.stderr).toBe(0);
          expect(same.stdout).toContain(
            "not checked: others.vendor_entropy, entropy is not computed in SQL\n",
          );
          expect(same.stdout).toContain("all bits are the same");

          const differing = await command(...args(copy));
          expect(differing.code, differing.stderr).toBe(1);
          expect(differing.stdout).toMatch(DIFFERENCE);
          const listed = await command(...args(copy), "--json");
          const { differences: found } = JSON.parse(listed.stdout) as TrainingSetCheck;
          expect(found.map(({ feature }) => feature)).toContain("orders.last_amount");

          expect(await command(...args(trino.schema, "others"))).toMatchObject({
            code: 1,
            stdout: expect.stringContaining("nothing was compared"),
          });
          const own = args(trino.schema).filter((arg) => !arg.startsWith("--entities"));
          expect(await command(...own, "--sample=20")).toMatchObject({
            code: 0,
            stdout: expect.stringContaining("20 of 20 rows"),
          });
          expect(await command(...args("nowhere"))).toMatchObject({
            code: 1,
            stderr: expect.stringContaining("TRINO_TABLE_MISSING"),
          });
        });
      },
    );
  },
);

/** The aggregations of a feature of the definitions, named `view.feature`. */
function aggregatesOf(name: string): readonly string[] {
  return selectedFeatures(CHECKED).flatMap((one) =>
    one.view.kind === "derived" || `${one.view.name}.${one.feature.name}` !== name
      ? []
      : aggregatesIn(one.feature as FeatureSpec).map(({ aggregate }) => aggregate),
  );
}

const aggregatesIn = ({
  function: made,
  ...one
}: FeatureSpec): readonly { readonly aggregate: string }[] => made?.aggregates ?? [one];

/** A project whose history is the one in the bucket. */
function writeProject(folder: string, { bucket, ...minio }: OwnBucket): void {
  const root = join(import.meta.dirname, "../..");
  const module = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href);
  writeFileSync(
    join(folder, "tidemark.config.ts"),
    `import { defineConfig } from ${module("packages/cli/src/index.ts")};
import { s3Objects } from ${module("packages/adapter-minio/src/index.ts")};
import { deltaOfflineStore } from ${module("packages/delta/src/index.ts")};
import * as definitions from ${module("e2e/src/checked-features.ts")};
const objects = ${JSON.stringify({ ...minio, bucket, prefix: "lake" })};
const offline = () => deltaOfflineStore(s3Objects(objects));
export default defineConfig({ definitions, offline });
`,
  );
  writeFileSync(
    join(folder, "labels.jsonl"),
    labels
      .map(({ t, ...keys }) => JSON.stringify({ ...keys, event_timestamp: formatTime(t) }))
      .join("\n"),
  );
}

/** Runs `tidemark …` as a process. */
const command = (...args: readonly string[]): Promise<ChildEnd> =>
  startNode(join(import.meta.dirname, "../../packages/cli/src/bin.ts"), args).ended;
