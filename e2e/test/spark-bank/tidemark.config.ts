/** The configuration of the bank. SPARK_BANK has its folders and the parts of Spark, as JSON. */
import { defineConfig } from "../../../packages/cli/src/index.ts";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { sparkEngine } from "@tidemark/engine-spark";
import * as definitions from "./features.ts";

const { folder, submit, python, jars, archive } = JSON.parse(process.env["SPARK_BANK"]!) as {
  readonly folder: string;
  readonly submit: string;
  readonly python: string;
  readonly jars: string;
  /** The archive with Node. With it Spark runs as a cluster of two processes. */
  readonly archive?: string;
};

export default defineConfig({
  definitions,
  offline: () => deltaOfflineStore(localObjects(`${folder}/lake`)),
  engines: {
    spark: sparkEngine({
      lake: `${folder}/lake`,
      staging: `${folder}/staging`,
      submit,
      master: archive === undefined ? "local[2]" : "local-cluster[2,1,1024]",
      ...(archive === undefined ? { node: process.execPath } : { archive }),
      partitions: 2,
      env: { PYSPARK_PYTHON: python },
      conf: {
        "spark.jars": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
      },
    }),
  },
});
