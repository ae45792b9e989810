/**
 * Runs the scenario of the fixtures against real programs. PostgreSQL's tables, the online store
 * and the history agree, whatever the connector's settings.
 */
import { seedsFromEnvironment } from "@tidemark/testkit";
import type { Pipeline } from "@tidemark/testkit/services";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkText } from "../../src/pipeline-check.ts";
import { fixtures } from "../../src/pipeline-definitions.ts";
import { connected } from "../../src/pipeline-load.ts";
import { checkFlow, lakeIn, startFlow, untilTrue } from "../../src/pipeline-run.ts";
import { inFolder, realStores } from "../../src/real-stores.ts";

const sql = (name: string): string =>
  readFileSync(
    fileURLToPath(
      new URL(`../../../packages/source-debezium/test/fixtures/${name}.sql`, import.meta.url),
    ),
    "utf8",
  );

const SIGNALS = { "signal.data.collection": "public.dbz_signal" };
/** The settings with which the recordings of the same names were made. */
const SHAPES = {
  bare: SIGNALS,
  enveloped: {
    ...SIGNALS,
    "key.converter.schemas.enable": "true",
    "value.converter.schemas.enable": "true",
    "decimal.handling.mode": "precise",
  },
  flat: {
    ...SIGNALS,
    transforms: "unwrap",
    "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
    "transforms.unwrap.delete.tombstone.handling.mode": "rewrite",
    "transforms.unwrap.add.fields": "op,lsn,source.ts_us",
  },
};

/**
 * With decimal.handling.mode=precise Debezium writes null for a NUMERIC NaN; as text it is "NAN".
 */
const NAN_IS_NULL = [
  "online, every_type 2, num_free: PostgreSQL holds NAN, the store null",
  "history, every_type 2, num_free: PostgreSQL holds NAN, the open version null",
];

export function scenarioTests(pipelineOf: () => Pipeline): void {
  test(
    "the fixtures' scenario agrees for three message shapes: rows, columns, features",
    { timeout: 400_000 },
    async () => {
      const pipeline = pipelineOf();
      const { first: seed } = seedsFromEnvironment({ runs: 1 });
      const flow = await startFlow(pipeline, "fixtures", {
        sql: sql("setup"),
        tables: null,
        connectors: SHAPES,
      });
      const database = await connected(flow.url);
      for (const statement of statementsOf(sql("scenario"))) await database.query(statement);
      const shapes = Object.keys(SHAPES);
      // each connector answers a signal with its own snapshot, and notes in the table when the
      // snapshot has ended
      const snapshots = async (count: number): Promise<void> => {
        await untilTrue(
          `${count} incremental snapshots`,
          async () =>
            (
              await database.query(
                "SELECT 1 FROM public.dbz_signal WHERE type = 'snapshot-window-close'",
              )
            ).rowCount! >= count,
          200,
        );
      };
      await snapshots(shapes.length);
      // The log does not carry a new column's default for existing rows; a snapshot does.
      await database.query(
        "INSERT INTO public.dbz_signal VALUES ('s2', 'execute-snapshot', " +
          `'{"data-collections":["public.full_identity"],"type":"incremental"}')`,
      );
      await snapshots(2 * shapes.length);
      await database.end();
      for (const shape of shapes) {
        await inFolder(async (folder) => {
          const stores = realStores(folder, {}, lakeIn(pipeline, `scenario-${shape}`));
          const result = await checkFlow(pipeline, flow, fixtures, stores, seed, {
            topics: new RegExp(`^${shape}\\.public\\.`),
            times: { "public.all_types.ts3": "ms" },
          });
          console.log(`pipeline scenario, ${shape}: ${checkText(result)}`);
          expect(result.differences).toEqual(shape === "enveloped" ? NAN_IS_NULL : []);
        });
      }
      await flow.close();
    },
  );
}

/** Splits a script into its statements, which are sent one by one, as psql does. */
function statementsOf(script: string): string[] {
  const plain = script.replace(/^--.*$/gm, "");
  return [...plain.matchAll(/(?:'(?:[^']|'')*'|[^';])+/g)]
    .map(([text]) => text.trim())
    .filter((text) => text !== "");
}
