/** Tests that other programs read features of lists and maps in our files, value for value. */
import { s3Objects } from "@tidemark/adapter-minio";
import { queryTrino, registerTables } from "@tidemark/catalog-trino";
import type { Value } from "@tidemark/core/spi";
import { deltaOfflineStore, writeParquet } from "@tidemark/delta";
import { minioServer, pythonReaders, suiteNeeding, trinoServer } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { ownBucket, sharedService } from "@tidemark/testkit/services/shared";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  entityRows,
  featuresTableOf,
  FEATURES,
  openHabits,
  trainingOf,
  valuesOf,
} from "../src/list-features.ts";
import { inFolder, lakePath, realStores } from "../src/real-stores.ts";

const python = pythonReaders();
const minio = minioServer();
const trino = trinoServer();
const MATERIALIZED = { from: "2025-06-10", to: "2025-06-17" } as const;

/** A value as the programs print it: numbers as text, a map as pairs. */
function printed(value: Value): unknown {
  return Array.isArray(value) ? value.map(printed) : value === null ? null : String(value);
}

function inOrder(rows: readonly (readonly unknown[])[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

suiteNeeding(python, "lists and maps of features in Python", () => {
  test(
    "delta-rs, Polars and DuckDB read the features table and the training set",
    { timeout: 120_000 },
    async () => {
      await inFolder(async (folder) => {
        const { offline } = realStores(folder);
        const store = await openHabits(offline);
        await store.materialize(MATERIALIZED);
        const table = (await featuresTableOf(offline)).rows;
        const training = join(folder, "training.parquet");
        await writeParquet(training, await trainingOf(store));
        await store.close();
        const read = async (path: string) => {
          const program = join(import.meta.dirname, "python", "read_lists.py");
          const reader = startPython(python.path, [program, path, ...FEATURES]);
          const { stdout } = await reader.succeeded();
          return JSON.parse(stdout) as Record<string, unknown[][]>;
        };
        const ofTable = await read(join(lakePath(folder), "habits/features"));
        const ofTraining = await read(training);
        for (const program of ["pyarrow", "polars", "duckdb"]) {
          expect(inOrder(ofTable[program]!), program).toEqual(
            inOrder(table.map(([, , ...features]) => features.map(printed))),
          );
          expect(ofTraining[program], program).toEqual(
            entityRows.map(({ user_id, t }) => valuesOf(user_id, t).map(printed)),
          );
        }
      });
    },
  );
});

suiteNeeding(
  { missing: minio.missing ?? trino.missing },
  "lists and maps of features in Trino",
  () => {
    test("Trino reads the features table, and looks into it", { timeout: 600_000 }, async () => {
      const starting = sharedService("trino");
      const { bucket, ...server } = await ownBucket();
      const objects = s3Objects({ ...server, bucket, prefix: "lake" });
      const offline = deltaOfflineStore(objects);
      const store = await openHabits(offline);
      await store.materialize(MATERIALIZED);
      const table = (await featuresTableOf(offline)).rows;
      await store.close();
      const { url } = await starting;
      const location = `s3://${bucket}/lake/habits/features`;
      const tables = [{ table: "habits_features", location }];
      await registerTables({ url, catalog: "lake", schema: "lists", tables });
      const ask = (sql: string): Promise<unknown[][]> =>
        queryTrino({ url }, `${sql} FROM lake.lists.habits_features`) as Promise<unknown[][]>;
      const maps = table.map(([user, t, num, vendors, largest, byVendor, ids]) => [
        ...[user, t, num, vendors, largest].map((value) => printed(value!)),
        Object.fromEntries(printed(byVendor!) as [string, string][]),
        printed(ids!),
      ]);
      const columns = ["user_id", "event_timestamp", ...FEATURES];
      expect(inOrder(texts(await ask(`SELECT ${columns.join(", ")}`)))).toEqual(inOrder(maps));
      expect(
        texts(
          await ask(
            "SELECT sum(cardinality(vendors)), max(element_at(by_vendor, 'Sport')), " +
              "sum(reduce(largest, 0e0, (s, x) -> s + 1e0, s -> s))",
          ),
        ),
      ).toEqual([
        [
          String(table.reduce((sum, row) => sum + (row[3] as Value[]).length, 0)),
          String(Math.max(...table.map((row) => sports(row[5] as [string, bigint][])))),
          String(table.reduce((sum, row) => sum + (row[4] as Value[]).length, 0)),
        ],
      ]);
    });
  },
);

function sports(byVendor: readonly (readonly [string, bigint])[]): number {
  return Number(byVendor.find(([vendor]) => vendor === "Sport")?.[1] ?? 0n);
}

/** Rows of Trino with their numbers as text. */
function texts(rows: readonly (readonly unknown[])[]): unknown[][] {
  const text = (value: unknown): unknown => {
    if (value === null) return null;
    if (Array.isArray(value)) return value.map(text);
    return typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([key, of]) => [key, text(of)]))
      : String(value);
  };
  return rows.map((row) => row.map(text));
}
