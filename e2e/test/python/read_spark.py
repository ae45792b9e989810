"""
Runs statements over tables in a bucket by Spark with Delta. Reads {tables: {name: url}, storage,
jars, answers, sql: {name: statement}} from its input, and writes the answers to a file.
"""

import json
import os
import sys
from decimal import Decimal

from pyspark.sql import SparkSession

job = json.load(sys.stdin)
storage = job["storage"]
builder = SparkSession.builder.master("local[2]")
for name, value in {
    "spark.jars": ",".join(
        os.path.join(job["jars"], jar)
        for jar in sorted(os.listdir(job["jars"]))
        if jar.endswith(".jar")
    ),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.hadoop.fs.s3a.endpoint": storage["AWS_ENDPOINT_URL"],
    "spark.hadoop.fs.s3a.endpoint.region": storage["AWS_REGION"],
    "spark.hadoop.fs.s3a.access.key": storage["AWS_ACCESS_KEY_ID"],
    "spark.hadoop.fs.s3a.secret.key": storage["AWS_SECRET_ACCESS_KEY"],
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def plain(value):
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    return (
        {"integer": str(value)} if isinstance(value, int) and not isinstance(value, bool) else value
    )


for name, url in job["tables"].items():
    spark.read.format("delta").load(url.replace("s3://", "s3a://")).createOrReplaceTempView(name)
answers = {
    name: [[plain(value) for value in row] for row in spark.sql(sql).collect()]
    for name, sql in job["sql"].items()
}
with open(job["answers"], "w") as file:
    json.dump(answers, file)
spark.stop()
